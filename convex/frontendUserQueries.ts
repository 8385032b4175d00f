import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc, Id } from "./_generated/dataModel";
import { query, type QueryCtx } from "./_generated/server";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "./kit/live";
import { unauthorized } from "./kit/unauthorized";
import { identifyPortalSession } from "./kit/portalCaller";
import { emailKey } from "./kit/email";
import { readToken } from "./kit/tokens";
import { frontendUserType } from "./ontology/frontendUser";
import { portalPage } from "./ontology/portalObjects";
import { liveSessions } from "./ontology/portalSessions";
import type { PortalViewer } from "./ontology/portalRules";
import { SelectedRows } from "./ontology/selectedRows";
import { filtersOf, selectionOf } from "./ontology/selection";
import { TenantReader } from "./ontology/reader";
import type { ObjectDoc } from "./ontology/registry";

/**
 * Live queries of the portal's users: those of the dashboard, whose `sessionId` is a platform session
 * token, and those of the portal itself (`getCurrent…`, `getOwn…`), whose `sessionId` is the
 * `sessionToken` that `sync-user` answers. They return ontology records.
 */
const tenantArguments = {
  ...sessionArgument,
  organizationId: v.id("organizations"),
  status: v.optional(v.union(...frontendUserType.statuses.map((status) => v.literal(status)))),
};

const portalArgument = { sessionId: v.string() };

type FrontendUser = ObjectDoc<"frontend_user">;
type PortalSession = Omit<Doc<"frontendSessions">, "tokenHash">;
type ListArguments = {
  sessionId?: SessionId;
  organizationId: Id<"organizations">;
  status?: FrontendUser["status"];
};

/** The newest 1,000 portal users. */
export const getFrontendUsers = query({
  args: tenantArguments,
  handler: async (ctx, args): Promise<FrontendUser[]> =>
    await collectionOf(await usersOf(ctx, args)),
});

export const getFrontendUsersPaginated = query({
  args: { ...tenantArguments, paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<FrontendUser>> =>
    await (await usersOf(ctx, args)).paginate(paginationOpts),
});

export const getFrontendUser = query({
  args: { ...sessionArgument, frontendUserId: v.string() },
  handler: async (ctx, { sessionId, frontendUserId }): Promise<FrontendUser> =>
    (await callerAt(ctx, sessionId, "frontend_user", frontendUserId, "portal:read")).object,
});

/** The portal user who signs in with this e-mail, or null. */
export const getFrontendUserByEmail = query({
  args: { ...sessionArgument, organizationId: v.id("organizations"), email: v.string() },
  handler: async (ctx, { sessionId, organizationId, email }): Promise<FrontendUser | null> => {
    const { tenant } = await callerIn(ctx, sessionId, organizationId, "portal:read");
    return await tenant.findByKey("frontend_user", emailKey(email));
  },
});

/** The sessions of a portal user that still live, newest first. */
export const getFrontendSessions = query({
  args: { ...sessionArgument, frontendUserId: v.string() },
  handler: async (ctx, { sessionId, frontendUserId }): Promise<PortalSession[]> => {
    const { object } = await callerAt(
      ctx,
      sessionId,
      "frontend_user",
      frontendUserId,
      "portal:read",
    );
    const sessions = await collectionOf(liveSessions(ctx, object._id));
    return sessions.map(({ tokenHash: _tokenHash, ...session }) => session);
  },
});

/** The portal user whose session it is. */
export const getCurrentFrontendUser = query({
  args: portalArgument,
  handler: async (ctx, { sessionId }): Promise<FrontendUser> => {
    const { tenant, userId } = await portalCaller(ctx, sessionId);
    return await tenant.require("frontend_user", userId);
  },
});

/** A page of the projects that the portal user sees, newest first. */
export const getOwnProjectsPaginated = query({
  args: { ...portalArgument, paginationOpts: paginationOptsValidator },
  handler: async (
    ctx,
    { sessionId, paginationOpts },
  ): Promise<PaginationResult<ObjectDoc<"project">>> => {
    const { tenant, viewer } = await portalCaller(ctx, sessionId);
    const request = { selection: selectionOf({}) };
    return await portalPage(ctx, tenant.organizationId, viewer, "project", request, paginationOpts);
  },
});

async function usersOf(
  ctx: QueryCtx,
  { sessionId, organizationId, status }: ListArguments,
): Promise<SelectedRows<"frontend_user">> {
  await callerIn(ctx, sessionId, organizationId, "portal:read");
  const selection = selectionOf(filtersOf({ status }));
  return new SelectedRows(ctx, organizationId, "frontend_user", selection);
}

async function portalCaller(
  ctx: QueryCtx,
  sessionToken: string,
): Promise<{ tenant: TenantReader; viewer: PortalViewer; userId: Id<"objects"> }> {
  const credential = readToken(sessionToken);
  if (credential?.kind !== "portal_session") throw unauthorized("live_portal");
  const { caller } = await identifyPortalSession(ctx, credential);
  if (caller.kind !== "portal_user") throw unauthorized("live_portal");
  return { tenant: new TenantReader(ctx, caller), viewer: caller.viewer, userId: caller.id };
}
