import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel";
import { query } from "./_generated/server";
import { entriesOf } from "./audit/trail";
import { callerIn, sessionArgument } from "./kit/live";

/** As stored, without what would tell whether a guess is right once the entry has been erased. */
type LiveEntry = Omit<Doc<"auditLogs">, "digests">;

function withoutSalts({ digests: _digests, ...entry }: Doc<"auditLogs">): LiveEntry {
  return entry;
}

/**
 * The organization's audit trail, live and newest first, for managers and up. The filters are those of
 * `GET /audit`: `objectId` (also with `action`), `objectType`, `actorId` or `action`, each with `since`
 * and `until`.
 * @throws UNAUTHORIZED, FORBIDDEN, INSUFFICIENT_SCOPE; VALIDATION_ERROR for filters that no index serves
 */
export const listAuditPaginated = query({
  args: {
    ...sessionArgument,
    organizationId: v.id("organizations"),
    objectId: v.optional(v.string()),
    objectType: v.optional(v.string()),
    actorId: v.optional(v.string()),
    action: v.optional(v.string()),
    since: v.optional(v.string()),
    until: v.optional(v.string()),
    paginationOpts: paginationOptsValidator,
  },
  handler: async (ctx, args): Promise<PaginationResult<LiveEntry>> => {
    const { sessionId, organizationId, paginationOpts, ...filters } = args;
    await callerIn(ctx, sessionId, organizationId, "admin:read");
    const entries = entriesOf(ctx, organizationId, filters, "desc");
    const { page, ...rest } = await entries.paginate(paginationOpts);
    return { ...rest, page: page.map(withoutSalts) };
  },
});
