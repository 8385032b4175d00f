import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError } from "./errors";
import { covers, grantsOf, type Grant, isGrant, type Role, type Scope } from "./scopes";

/** What http.ts and the live functions hand on of a request's credential; never the token itself. */
export const credentialValidator = v.object({
  kind: v.union(v.literal("api_key"), v.literal("session")),
  tokenHash: v.string(),
  /** `X-Tenant-Id`, as sent. */
  tenantId: v.optional(v.string()),
});

type CallerCredential = typeof credentialValidator.type;

/** Who is calling, for which tenant, with which grants. */
export type Caller = {
  organizationId: Id<"organizations">;
  grants: readonly Grant[];
  name: string;
} & ({ kind: "api_key"; id: Id<"apiKeys"> } | { kind: "user"; id: Id<"users">; role: Role });

/** A caller, and until when the credential is good (a query must not compare it with the clock). */
export type Identity = { caller: Caller; expiresAt: number | undefined };

/**
 * Resolves a credential to its caller and tenant.
 * @throws UNAUTHORIZED for an unknown or revoked credential; VALIDATION_ERROR when a user of several
 *   organizations names none; FORBIDDEN for an organization that is not the caller's.
 */
export async function identify(ctx: QueryCtx, credential: CallerCredential): Promise<Identity> {
  return credential.kind === "api_key"
    ? await identifyApiKey(ctx, credential)
    : await identifySession(ctx, credential);
}

async function identifyApiKey(ctx: QueryCtx, credential: CallerCredential): Promise<Identity> {
  const key = await ctx.db
    .query("apiKeys")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", credential.tokenHash))
    .unique();
  if (!key || key.revokedAt !== undefined) throw unauthorized();
  if (credential.tenantId !== undefined && credential.tenantId !== key.organizationId) {
    throw foreignTenant();
  }
  return {
    caller: {
      kind: "api_key",
      id: key._id,
      name: key.name,
      organizationId: key.organizationId,
      grants: key.scopes.filter(isGrant),
    },
    expiresAt: key.expiresAt,
  };
}

async function identifySession(ctx: QueryCtx, credential: CallerCredential): Promise<Identity> {
  const { user, session } = await userOfSession(ctx, credential.tokenHash);
  const membership = await membershipFor(ctx, user._id, credential.tenantId);
  return { caller: staffCaller(user, membership), expiresAt: session.expiresAt };
}

/** The user and session of a platform session token's digest. @throws UNAUTHORIZED */
export async function userOfSession(
  ctx: QueryCtx,
  tokenHash: string,
): Promise<{ user: Doc<"users">; session: Doc<"sessions"> }> {
  const session = await ctx.db
    .query("sessions")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", tokenHash))
    .unique();
  if (!session || session.revokedAt !== undefined) throw unauthorized();
  const user = await ctx.db.get("users", session.userId);
  if (!user) throw unauthorized();
  return { user, session };
}

export function staffCaller(user: Doc<"users">, membership: Doc<"memberships">): Caller {
  return {
    kind: "user",
    id: user._id,
    name: user.name,
    organizationId: membership.organizationId,
    role: membership.role,
    grants: grantsOf(membership.role),
  };
}

async function membershipFor(
  ctx: QueryCtx,
  userId: Id<"users">,
  tenantId: string | undefined,
): Promise<Doc<"memberships">> {
  if (tenantId !== undefined) {
    const membership = await membershipIn(ctx, userId, tenantId);
    if (!membership) throw foreignTenant();
    return membership;
  }
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .take(2);
  const [only, another] = memberships.filter((membership) => membership.status === "active");
  if (!only) throw new ApiError("FORBIDDEN", "You belong to no organization yet.");
  if (another) {
    const message = "is required: you belong to several organizations";
    throw new ApiError("VALIDATION_ERROR", `X-Tenant-Id: ${message}`, {
      details: [{ path: "headers.X-Tenant-Id", message }],
    });
  }
  return only;
}

/** The active membership of a user in an organization whose id came from outside, or null. */
export async function membershipIn(
  ctx: QueryCtx,
  userId: Id<"users">,
  tenantId: string,
): Promise<Doc<"memberships"> | null> {
  const organizationId = ctx.db.normalizeId("organizations", tenantId);
  if (!organizationId) return null;
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("organizationId", organizationId))
    .unique();
  return membership?.status === "active" ? membership : null;
}

/** @throws INSUFFICIENT_SCOPE when the caller's scopes or role do not cover it. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (covers(caller.grants, scope)) return;
  const holder = caller.kind === "api_key" ? "This API key" : `The role ${caller.role}`;
  throw new ApiError("INSUFFICIENT_SCOPE", `${holder} lacks the scope ${scope}.`, {
    details: { required: scope, granted: [...caller.grants] },
  });
}

/** The clock check that mutations make beside the scheduled revocation. @throws UNAUTHORIZED */
export function requireUnexpired(identity: Identity, now: number): void {
  if (identity.expiresAt !== undefined && identity.expiresAt <= now) throw unauthorized();
}

export function unauthorized(): ApiError {
  return new ApiError(
    "UNAUTHORIZED",
    "Send a valid API key or session token in the header Authorization: Bearer …",
  );
}

function foreignTenant(): ApiError {
  return new ApiError("FORBIDDEN", "X-Tenant-Id is not an organization of yours.");
}

/** How limits, idempotency records and logs name a caller. */
export function callerKey(caller: Caller): string {
  return `${caller.kind === "api_key" ? "key" : "user"}:${caller.id}`;
}
