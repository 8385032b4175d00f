import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { type Caller, identifyApiKey, type Identity, requireTenant } from "./caller";
import { findOwn } from "./own";
import { trustedOrganization } from "./portalTrust";
import type { Grant } from "./scopes";
import { unauthorized } from "./unauthorized";

type FrontendUser = ObjectDoc<"frontend_user">;

/** A portal session stands for all that the portal offers its user. */
const SESSION_GRANTS: readonly Grant[] = ["portal:read", "portal:write"];

/** @throws UNAUTHORIZED */
export async function identifyPortalSession(
  ctx: QueryCtx,
  credential: { tokenHash: string; tenantId?: string },
): Promise<Identity> {
  const session = await ctx.db
    .query("frontendSessions")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", credential.tokenHash))
    .unique();
  if (!session || session.revokedAt !== undefined) throw unauthorized("portal_session");
  const { userId, organizationId } = session;
  const user = await activeUser(ctx, "portal_session", userId, organizationId);
  requireTenant(credential, user.organizationId);
  const caller = await portalUser(ctx, user, SESSION_GRANTS, session._id);
  return { caller, expiresAt: session.expiresAt, keyMode: null, session: null };
}

/**
 * A portal user's id is not a secret: an API key of the same organization vouches for it, and it
 * may do no more than that key. Without a key it counts only where `PORTAL_TRUST_IDS` says so.
 * @throws UNAUTHORIZED
 */
export async function identifyPortalUser(
  ctx: QueryCtx,
  credential: { userId: string; keyHash?: string; tenantId?: string; tenantInPath?: boolean },
): Promise<Identity> {
  const { userId, keyHash } = credential;
  const voucher = keyHash === undefined ? await trusted(ctx) : await keyed(ctx, keyHash);
  const user = await activeUser(ctx, "portal_user", userId, voucher.organizationId);
  requireTenant(credential, user.organizationId);
  const caller = await portalUser(ctx, user, voucher.grants, null);
  const { expiresAt, keyMode } = voucher;
  return { caller, expiresAt, keyMode, session: null };
}

/** A portal that calls `sync-user` without a key. @throws UNAUTHORIZED */
export async function identifyUnkeyedPortal(ctx: QueryCtx): Promise<Identity> {
  const organization = await trustedOrganization(ctx);
  if (!organization) throw unauthorized("unkeyed_portal");
  const caller: Caller = {
    kind: "unkeyed_portal",
    id: organization._id,
    organizationId: organization._id,
    name: "A portal without a key",
    grants: SESSION_GRANTS,
  };
  return { caller, expiresAt: undefined, keyMode: null, session: null };
}

type Voucher = {
  organizationId: Id<"organizations">;
  grants: readonly Grant[];
} & Omit<Identity, "caller">;

async function keyed(ctx: QueryCtx, tokenHash: string): Promise<Voucher> {
  const { caller, ...key } = await identifyApiKey(ctx, { tokenHash }, "portal_user");
  return { organizationId: caller.organizationId, grants: caller.grants, ...key };
}

async function trusted(ctx: QueryCtx): Promise<Voucher> {
  const organization = await trustedOrganization(ctx);
  if (!organization) throw unauthorized("id_alone");
  const { _id: organizationId } = organization;
  return {
    organizationId,
    grants: SESSION_GRANTS,
    expiresAt: undefined,
    keyMode: null,
    session: null,
  };
}

async function activeUser(
  ctx: QueryCtx,
  kind: "portal_session" | "portal_user",
  id: string,
  organizationId: Id<"organizations">,
): Promise<FrontendUser> {
  const user = await findOwn(ctx, { organizationId }, "objects", id);
  if (!user || !isOfType(user, "frontend_user")) throw unauthorized(kind);
  if (user.lifecycle !== "live" || user.status !== "active") throw unauthorized(kind);
  return user;
}

async function portalUser(
  ctx: QueryCtx,
  user: FrontendUser,
  grants: readonly Grant[],
  sessionId: Id<"frontendSessions"> | null,
): Promise<Caller> {
  const { crmContactId, displayName } = user.customProperties;
  const contact = crmContactId && (await ctx.db.get("objects", crmContactId));
  const linked =
    contact && isOfType(contact, "crm_contact") && contact.lifecycle === "live" ? contact : null;
  const organization = await ctx.db.get("organizations", user.organizationId);
  return {
    kind: "portal_user",
    id: user._id,
    organizationId: user.organizationId,
    name: displayName,
    grants,
    sessionId,
    viewer: {
      userId: user._id,
      contactId: linked?._id ?? null,
      crmOrganizationId: linked?.customProperties.crmOrganizationId ?? null,
      ownFields: organization?.portalFields ?? [],
    },
  };
}
