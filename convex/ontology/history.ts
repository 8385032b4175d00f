import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/**
 * Takes what audit entries and events say of an object out of them, and leaves that it was said: who
 * did what to which fields, and when. (The audit trail's chain is made of digests of what an entry
 * said, which stay.)
 */
export type HistoryTable = "events" | "auditLogs";

const BLANKED_AT_ONCE = 200;

/** One page; answers where the next begins, or null after the last. */
export async function blankHistory(
  ctx: MutationCtx,
  table: HistoryTable,
  organizationId: Id<"organizations">,
  objectId: Id<"objects">,
  cursor: string | null,
): Promise<string | null> {
  const { page, isDone, continueCursor } =
    table === "events"
      ? await blankEvents(ctx, organizationId, objectId, cursor)
      : await blankAudit(ctx, organizationId, objectId, cursor);
  return isDone || page.length === 0 ? null : continueCursor;
}

type BlankedPage = { page: unknown[]; isDone: boolean; continueCursor: string };

async function blankEvents(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  objectId: Id<"objects">,
  cursor: string | null,
): Promise<BlankedPage> {
  const events = await ctx.db
    .query("events")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", objectId))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor });
  for (const { _id, objectType: type } of events.page) {
    const data = { id: objectId, type, erased: true };
    await ctx.db.patch("events", _id, { data, previous: undefined });
  }
  return events;
}

async function blankAudit(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  objectId: Id<"objects">,
  cursor: string | null,
): Promise<BlankedPage> {
  const entries = await ctx.db
    .query("auditLogs")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", objectId))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor });
  for (const { _id, changes } of entries.page) {
    await ctx.db.patch("auditLogs", _id, { changes: changes.map(({ field }) => ({ field })) });
  }
  return entries;
}
