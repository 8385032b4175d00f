import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/**
 * Takes what audit entries and events say of an object out of them, and leaves that it was said: who
 * did what to which fields, and when. Of what an erased portal user did, their name goes as well.
 * (The audit trail's chain is made of digests of what an entry said, which stay.)
 */
export type HistoryTask = {
  table: "events" | "auditLogs";
  /** Whether the entries about the object are meant, or those of what it, a portal user, did. */
  as: "object" | "actor";
  id: Id<"objects"> | Id<"attachments">;
};

const BLANKED_AT_ONCE = 200;

/** One page; answers where the next begins, or null after the last. */
export async function blankHistory(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  task: HistoryTask,
  cursor: string | null,
): Promise<string | null> {
  const blankPage = task.as === "actor" ? blankActor : BLANK_OBJECT[task.table];
  const { page, isDone, continueCursor } = await blankPage(ctx, organizationId, task, cursor);
  return isDone || page.length === 0 ? null : continueCursor;
}

type BlankedPage = { page: unknown[]; isDone: boolean; continueCursor: string };

const BLANK_OBJECT = { events: blankEvents, auditLogs: blankAudit };

async function blankEvents(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const events = await ctx.db
    .query("events")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", id))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor });
  for (const { _id, objectType: type } of events.page) {
    const data = { id, type, erased: true };
    await ctx.db.patch("events", _id, { data, previous: undefined });
  }
  return events;
}

async function blankAudit(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const entries = await ctx.db
    .query("auditLogs")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", id))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor });
  for (const { _id, changes } of entries.page) {
    await ctx.db.patch("auditLogs", _id, { changes: changes.map(({ field }) => ({ field })) });
  }
  return entries;
}

async function blankActor(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { table, id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const entries = await ctx.db
    .query(table)
    .withIndex("by_actor", (q) => q.eq("organizationId", organizationId).eq("actor.id", id))
    .paginate({ numItems: BLANKED_AT_ONCE, cursor });
  for (const { _id, actor } of entries.page) {
    // Both tables that a task can name are this file's.
    // eslint-disable-next-line no-restricted-syntax
    await ctx.db.patch(table, _id, { actor: { ...actor, name: "" } });
  }
  return entries;
}
