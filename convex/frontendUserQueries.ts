import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc, Id } from "./_generated/dataModel";
import { query, type QueryCtx } from "./_generated/server";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "./kit/live";
import { unauthorized } from "./kit/unauthorized";
import { identifyPortalSession } from "./kit/portalCaller";
import type { Pageable } from "./kit/page";
import { emailKey } from "./kit/email";
import { readToken } from "./kit/tokens";
import { frontendUserType } from "./ontology/frontendUser";
import { crmContextOf, frontendUserView, ownCrmContext } from "./ontology/frontendUserView";
import type { LiveView } from "./live/view";
import { collectedViews, pageOfViews, sortArgument, type Sorted, sortedBy } from "./live/reads";
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
 * `sessionToken` that `sync-user` answers. They answer records as
 * their routes do.
 */
const tenantArguments = {
  ...sessionArgument,
  organizationId: v.id("organizations"),
  status: v.optional(v.union(...frontendUserType.statuses.map((status) => v.literal(status)))),
  ...sortArgument,
};

const portalArgument = { sessionId: v.string() };

type FrontendUser = ReturnType<typeof frontendUserView>;
/** As lists have it, which do not read whom each one's contact belongs to. */
type ListedUser = LiveView<"frontend_user">;
type PortalSession = Omit<Doc<"frontendSessions">, "tokenHash">;
type ListArguments = {
  sessionId?: SessionId;
  organizationId: Id<"organizations">;
  status?: FrontendUser["status"];
} & Sorted;

/** The newest 1,000 portal users. */
export const getFrontendUsers = query({
  args: tenantArguments,
  handler: async (ctx, args): Promise<ListedUser[]> =>
    await collectedViews(await usersOf(ctx, args)),
});

export const getFrontendUsersPaginated = query({
  args: { ...tenantArguments, paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<ListedUser>> =>
    await pageOfViews(await usersOf(ctx, args), paginationOpts),
});

export const getFrontendUser = query({
  args: { ...sessionArgument, frontendUserId: v.string() },
  handler: async (ctx, { sessionId, frontendUserId }): Promise<FrontendUser> => {
    const at = await callerAt(ctx, sessionId, "frontend_user", frontendUserId, "portal:read");
    return await wholeView(at.tenant, at.object);
  },
});

/** The portal user who signs in with this e-mail, or null. */
export const getFrontendUserByEmail = query({
  args: { ...sessionArgument, organizationId: v.id("organizations"), email: v.string() },
  handler: async (ctx, { sessionId, organizationId, email }): Promise<FrontendUser | null> => {
    const { tenant } = await callerIn(ctx, sessionId, organizationId, "portal:read");
    const user = await tenant.findByKey("frontend_user", emailKey(email));
    return user && (await wholeView(tenant, user));
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
    const { tenant, viewer, userId } = await portalCaller(ctx, sessionId);
    return frontendUserView(await tenant.require("frontend_user", userId), ownCrmContext(viewer));
  },
});

/** A page of the projects that the portal user sees, newest first. */
export const getOwnProjectsPaginated = query({
  args: { ...portalArgument, paginationOpts: paginationOptsValidator },
  handler: async (
    ctx,
    { sessionId, paginationOpts },
  ): Promise<PaginationResult<LiveView<"project">>> => {
    const { tenant, viewer } = await portalCaller(ctx, sessionId);
    const { organizationId } = tenant;
    const request = { selection: selectionOf({}) };
    const theirs: Pageable<ObjectDoc<"project">> = {
      paginate: (page) => portalPage(ctx, organizationId, viewer, "project", request, page),
    };
    return await pageOfViews(theirs, paginationOpts);
  },
});

async function wholeView(
  tenant: TenantReader,
  user: ObjectDoc<"frontend_user">,
): Promise<FrontendUser> {
  return frontendUserView(user, await crmContextOf(tenant, user));
}

async function usersOf(
  ctx: QueryCtx,
  { sessionId, organizationId, status, sort }: ListArguments,
): Promise<SelectedRows<"frontend_user">> {
  await callerIn(ctx, sessionId, organizationId, "portal:read");
  const selection = selectionOf(filtersOf({ status }), sortedBy("frontend_user", sort));
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
