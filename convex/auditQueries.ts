import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import * as z from "zod";
import type { Doc } from "./_generated/dataModel";
import { query } from "./_generated/server";
import { entriesOf, trailFilters } from "./audit/trail";
import { parseArgument } from "./kit/input";
import { callerIn, daysIn, sessionArgument } from "./kit/live";

/** As stored, without what would tell whether a guess is right once the entry has been erased. */
type LiveEntry = Omit<Doc<"auditLogs">, "digests">;

function withoutSalts({ digests: _digests, ...entry }: Doc<"auditLogs">): LiveEntry {
  return entry;
}

/** Milliseconds since the epoch, or ISO 8601. */
const time = v.union(v.number(), v.string());

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
    since: v.optional(time),
    until: v.optional(time),
    paginationOpts: paginationOptsValidator,
  },
  handler: async (ctx, args): Promise<PaginationResult<LiveEntry>> => {
    const { sessionId, organizationId, paginationOpts, ...given } = args;
    await callerIn(ctx, sessionId, organizationId, "admin:read");
    const days = await daysIn(ctx, organizationId);
    const filters = parseArgument("filters", z.strictObject(trailFilters()), given, days);
    const entries = entriesOf(ctx, organizationId, filters, "desc");
    const { page, ...rest } = await entries.paginate(paginationOpts);
    return { ...rest, page: page.map(withoutSalts) };
  },
});
