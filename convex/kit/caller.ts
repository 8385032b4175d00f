import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { isUnverified } from "../accounts/verified";
import { userByClerkId } from "./clerk";
import { ApiError, notFound } from "./errors";
import { type Mode, modeOfKey } from "./mode";
import { idOfAnyTenant, rowOfAnyTenant } from "./own";
import type { PortalViewer } from "../ontology/portalRules";
import { covers, grantsOf, type Grant, isGrant, type Role, type Scope, seesAll } from "./scopes";
import { unauthorized } from "./unauthorized";
import { membershipOf } from "./memberships";

const tenant = {
  /** `X-Tenant-Id`, as sent, or the organization that the path names. */
  tenantId: v.optional(v.string()),
  /** Whether the path names it: one that is not the caller's then does not exist. */
  tenantInPath: v.optional(v.boolean()),
};

/** What http.ts and the live functions hand on of a request's credential; never the token itself. */
export const credentialValidator = v.union(
  v.object({
    kind: v.union(v.literal("api_key"), v.literal("session"), v.literal("portal_session")),
    tokenHash: v.string(),
    ...tenant,
  }),
  /** A portal user's id, and the API key that vouches for it; without one, see portalTrust.ts. */
  v.object({
    kind: v.literal("portal_user"),
    userId: v.string(),
    keyHash: v.optional(v.string()),
    ...tenant,
  }),
  /** A portal that sends no key, see portalTrust.ts. */
  v.object({ kind: v.literal("unkeyed_portal"), ...tenant }),
  /** Nobody in particular: who signs in, registers, or shows what was mailed; see publicEndpoint.ts. */
  v.object({ kind: v.literal("nobody"), ...tenant }),
  /** A user of Clerk, whose token was verified as the request came; see http/clerkToken.ts. */
  v.object({ kind: v.literal("clerk"), subject: v.string(), ...tenant }),
  /** An access token of ours, verified as the request came; see http/accessToken.ts. */
  v.object({
    kind: v.literal("access_token"),
    sessionId: v.string(),
    userId: v.string(),
    ...tenant,
  }),
);

export type CallerCredential = typeof credentialValidator.type;
type Tenancy = { tenantId?: string; tenantInPath?: boolean };
type Hashed = Tenancy & { tokenHash: string };

/** Who is calling, for which tenant, with which grants. */
export type Caller = {
  organizationId: Id<"organizations">;
  grants: readonly Grant[];
  name: string;
} & (
  | { kind: "api_key"; id: Id<"apiKeys"> }
  | {
      kind: "user";
      id: Id<"users">;
      role: Role;
      /** The same user, where what they see of projects goes by teams (ontology/sight.ts). */
      member?: Id<"users">;
      /** Absent for one who did not sign in with us. */
      sessionId: Id<"sessions"> | null;
      /** They have registered with an e-mail that they have not verified. */
      isUnverified: boolean;
      /** The device that was activated under the session. */
      deviceId: Id<"devices"> | null;
    }
  | {
      kind: "portal_user";
      id: Id<"objects">;
      /** Whose objects they see; every reader that is made for the caller goes by it. */
      viewer: PortalViewer;
      /** Absent for an id beside an API key. */
      sessionId: Id<"frontendSessions"> | null;
    }
  | { kind: "unkeyed_portal"; id: Id<"organizations"> }
);

export type CallerKind = Caller["kind"];

export const callerKindValidator = v.union(
  v.literal("api_key"),
  v.literal("user"),
  v.literal("portal_user"),
  v.literal("unkeyed_portal"),
);

/** Whom an endpoint takes that names no others: a portal user only where it says so. */
export const DEFAULT_CALLERS: readonly CallerKind[] = ["api_key", "user"];

/** A caller, and until when the credential is good (a query must not compare it with the clock). */
export type Identity = {
  caller: Caller;
  expiresAt: number | undefined;
  /** Of the API key that calls, or that vouches for the caller; null where there is none. */
  keyMode: Mode | null;
  /** Of a member of staff who signed in with us. */
  session: Doc<"sessions"> | null;
};

export async function identifyApiKey(
  ctx: QueryCtx,
  credential: Hashed,
  kind: "api_key" | "portal_user" = "api_key",
): Promise<Identity> {
  const key = await ctx.db
    .query("apiKeys")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", credential.tokenHash))
    .unique();
  if (!key || key.revokedAt !== undefined) throw unauthorized(kind);
  requireTenant(credential, key.organizationId);
  return {
    caller: callerOfApiKey(key),
    expiresAt: key.expiresAt,
    keyMode: modeOfKey(key),
    session: null,
  };
}

/** Of a key that is good. */
export function callerOfApiKey({
  _id: id,
  name,
  organizationId,
  scopes,
}: Doc<"apiKeys">): Extract<Caller, { kind: "api_key" }> {
  return { kind: "api_key", id, name, organizationId, grants: scopes.filter(isGrant) };
}

export async function identifySession(ctx: QueryCtx, credential: Hashed): Promise<Identity> {
  const { user, session } = await userOfSession(ctx, credential.tokenHash);
  const membership = await membershipFor(ctx, user._id, credential);
  const caller = staffCaller(user, membership, session);
  return { caller, expiresAt: session.expiresAt, keyMode: null, session };
}

/** By the claims of an access token that has been verified: it is good while its session is. */
export async function identifyAccessToken(
  ctx: QueryCtx,
  credential: Tenancy & AccessClaims,
): Promise<Identity> {
  const { user, session } = await userOfAccessToken(ctx, credential);
  const membership = await membershipFor(ctx, user._id, credential);
  const caller = staffCaller(user, membership, session);
  return { caller, expiresAt: session.expiresAt, keyMode: null, session };
}

/** A user of Clerk, by the claims of a token that has been verified. */
export async function identifyClerkUser(
  ctx: QueryCtx,
  credential: Tenancy & { subject: string },
): Promise<Identity> {
  const user = await userByClerkId(ctx, credential.subject);
  if (!user) throw unauthorized("clerk");
  const membership = await membershipFor(ctx, user._id, credential);
  const caller = staffCaller(user, membership);
  return { caller, expiresAt: undefined, keyMode: null, session: null };
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
  return await signedIn(ctx, session, "session");
}

type AccessClaims = { sessionId: string; userId: string };

/** The user and session that a verified access token names. @throws UNAUTHORIZED */
export async function userOfAccessToken(
  ctx: QueryCtx,
  { sessionId, userId }: AccessClaims,
): Promise<{ user: Doc<"users">; session: Doc<"sessions"> }> {
  const session = await rowOfAnyTenant(ctx, "sessions", sessionId);
  return await signedIn(ctx, session?.userId === userId ? session : null, "access_token");
}

async function signedIn(
  ctx: QueryCtx,
  session: Doc<"sessions"> | null,
  by: "session" | "access_token",
): Promise<{ user: Doc<"users">; session: Doc<"sessions"> }> {
  if (!session || session.revokedAt !== undefined) throw unauthorized(by);
  const user = await ctx.db.get("users", session.userId);
  if (!user || user.deletedAt !== undefined) throw unauthorized(by);
  return { user, session };
}

/** @throws FORBIDDEN for a session without a second factor, where the organization asks for one */
export function staffCaller(
  user: Doc<"users">,
  membership: Doc<"memberships">,
  session: Doc<"sessions"> | null = null,
): Caller {
  if (membership.needsSecondFactor && session && !session.isStrong) {
    const message =
      "This organization asks for a second factor: set one up (POST /auth/mfa/totp), or sign in with it or with a passkey.";
    throw new ApiError("FORBIDDEN", message);
  }
  return {
    kind: "user",
    id: user._id,
    sessionId: session?._id ?? null,
    deviceId: session?.deviceId ?? null,
    isUnverified: isUnverified(user),
    name: user.name,
    organizationId: membership.organizationId,
    role: membership.role,
    ...(seesAll(membership.role) ? {} : { member: user._id }),
    grants: grantsOf(membership.role),
  };
}

async function membershipFor(
  ctx: QueryCtx,
  userId: Id<"users">,
  { tenantId, tenantInPath }: Tenancy,
): Promise<Doc<"memberships">> {
  if (tenantId !== undefined) {
    const membership = await membershipIn(ctx, userId, tenantId);
    if (!membership) throw tenantInPath ? notFound("tenant") : foreignTenant();
    return membership;
  }
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_status", (q) => q.eq("userId", userId).eq("status", "active"))
    .take(2);
  const [only, another] = memberships;
  if (!only) {
    const message =
      "You belong to no organization yet: found one with POST /tenants, or accept an invite.";
    throw new ApiError("FORBIDDEN", message);
  }
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
  const organizationId = idOfAnyTenant(ctx, "organizations", tenantId);
  if (!organizationId) return null;
  const membership = await membershipOf(ctx, userId, organizationId);
  return membership?.status === "active" ? membership : null;
}

/** @throws FORBIDDEN when an endpoint does not take this kind of caller. */
export function requireKind(caller: Caller, kinds: readonly CallerKind[] = DEFAULT_CALLERS): void {
  if (!kinds.includes(caller.kind)) throw wrongKind(caller.kind, kinds);
}

const TAKEN: Record<CallerKind, string | null> = {
  api_key: "API keys (fh_live_…, fh_test_…)",
  user: "members of staff (fh_session_…, an access token, or the identity provider's JWT)",
  portal_user: "portal users (fh_portal_…)",
  unkeyed_portal: null,
};
const SENT: Record<CallerKind, string> = {
  api_key: "an API key",
  user: "a member of staff's",
  portal_user: "a portal user's",
  unkeyed_portal: "missing",
};

/** A good credential of a kind that is not taken: which kinds are, and which was sent. */
export function wrongKind(kind: CallerKind, taken: readonly CallerKind[]): ApiError {
  const names = taken.map((each) => TAKEN[each]).filter((name) => name !== null);
  const message = `This is for ${names.join(" and ")}; the credential that was sent is ${SENT[kind]}.`;
  return new ApiError("FORBIDDEN", message);
}

/**
 * A portal user's key or session covers what the portal offers: which objects those are, the rules
 * of their types say.
 * @throws INSUFFICIENT_SCOPE when the caller's scopes or role do not cover it.
 */
export function requireScope(caller: Caller, scope: Scope): void {
  if (hasScope(caller, scope)) return;
  const holder = caller.kind === "user" ? `The role ${caller.role}` : "This API key";
  throw new ApiError("INSUFFICIENT_SCOPE", `${holder} lacks the scope ${scope}.`, {
    details: { required: scope, granted: [...caller.grants] },
  });
}

/** Whether the caller's scopes or role cover it. */
export function hasScope({ kind, grants }: Pick<Caller, "kind" | "grants">, scope: Scope): boolean {
  if (covers(grants, scope)) return true;
  return kind === "portal_user" && covers(grants, "portal:write");
}

/** The clock check that mutations make beside the scheduled revocation. @throws UNAUTHORIZED */
export function requireUnexpired(
  { expiresAt }: Pick<Identity, "expiresAt">,
  now: number,
  kind: CallerCredential["kind"],
): void {
  if (expiresAt !== undefined && expiresAt <= now) throw unauthorized(kind);
}

/**
 * @throws FORBIDDEN when `X-Tenant-Id` names another organization than the credential's;
 *   TENANT_NOT_FOUND when the path does
 */
export function requireTenant(
  { tenantId, tenantInPath }: Tenancy,
  organizationId: Id<"organizations">,
): void {
  if (tenantId === undefined || tenantId === organizationId) return;
  throw tenantInPath ? notFound("tenant") : foreignTenant();
}

function foreignTenant(): ApiError {
  const message = "X-Tenant-Id is no organization of this credential's: GET /tenants lists yours.";
  return new ApiError("FORBIDDEN", message);
}

const KEY_PREFIXES = {
  api_key: "key",
  user: "user",
  portal_user: "portal",
  unkeyed_portal: "unkeyed",
} as const satisfies Record<CallerKind, string>;

/** How limits, idempotency records and logs name a caller. */
export function callerKey(caller: Caller): string {
  return `${KEY_PREFIXES[caller.kind]}:${caller.id}`;
}
