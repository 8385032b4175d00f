import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ERASURE } from "../audit/digest";
import { MAX_BYTES_REWRITTEN } from "../kit/page";
import { record, type WriteScope } from "./effects";

/**
 * Takes what audit entries and events say of an object out of them, and leaves that it was said: who
 * did what to which fields, and when. Of what an erased portal user did, their name and address go as
 * well. With what an audit entry said goes the salt of its digest; the digest stays in the chain.
 */
export type HistoryTask = {
  table: "events" | "auditLogs";
  /** Whether the entries about the object are meant, or those of what it, a portal user, did. */
  as: "object" | "actor";
  id: Id<"objects"> | Id<"attachments">;
};

const BLANKED_AT_ONCE = { numItems: 200, maximumBytesRead: MAX_BYTES_REWRITTEN };

/**
 * Says in the audit trail that what it has said of an object, or of what it did, is being erased: the
 * chain verifies only where blank entries are accounted for.
 */
export async function recordErasure(
  ctx: MutationCtx,
  scope: WriteScope,
  { type: objectType, _id: objectId }: { type: string; _id: HistoryTask["id"] },
): Promise<void> {
  await record(ctx, scope, { action: ERASURE, objectType, objectId, changes: [] });
}

/** One page; answers where the next begins, or null after the last. */
export async function blankHistory(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  task: HistoryTask,
  cursor: string | null,
): Promise<string | null> {
  const blankPage = BLANK[task.table][task.as];
  const { page, isDone, continueCursor } = await blankPage(ctx, organizationId, task, cursor);
  return isDone || page.length === 0 ? null : continueCursor;
}

type BlankedPage = { page: unknown[]; isDone: boolean; continueCursor: string };
type Blank = (
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  task: HistoryTask,
  cursor: string | null,
) => Promise<BlankedPage>;

const BLANK: Record<HistoryTask["table"], Record<HistoryTask["as"], Blank>> = {
  events: { object: blankEvents, actor: blankEventActor },
  auditLogs: { object: blankAudit, actor: blankAuditActor },
};

async function blankEvents(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const events = await ctx.db
    .query("events")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", id))
    .paginate({ ...BLANKED_AT_ONCE, cursor });
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
    .paginate({ ...BLANKED_AT_ONCE, cursor });
  for (const { _id, changes, digests } of entries.page) {
    const blank = changes.map(({ field }) => ({ field }));
    const unsalted = digests && { ...digests, changes: { sha256: digests.changes.sha256 } };
    await ctx.db.patch("auditLogs", _id, { changes: blank, digests: unsalted });
  }
  return entries;
}

async function blankEventActor(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const events = await ctx.db
    .query("events")
    .withIndex("by_actor", (q) => q.eq("organizationId", organizationId).eq("actor.id", id))
    .paginate({ ...BLANKED_AT_ONCE, cursor });
  for (const { _id, actor } of events.page) {
    await ctx.db.patch("events", _id, { actor: { ...actor, name: "" } });
  }
  return events;
}

async function blankAuditActor(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { id }: HistoryTask,
  cursor: string | null,
): Promise<BlankedPage> {
  const entries = await ctx.db
    .query("auditLogs")
    .withIndex("by_actor", (q) => q.eq("organizationId", organizationId).eq("actor.id", id))
    .paginate({ ...BLANKED_AT_ONCE, cursor });
  for (const { _id, actor, digests } of entries.page) {
    const blank = { actor: { ...actor, name: "" }, ip: null, userAgent: null, deviceId: undefined };
    const unsalted = digests && { ...digests, origin: { sha256: digests.origin.sha256 } };
    await ctx.db.patch("auditLogs", _id, { ...blank, digests: unsalted });
  }
  return entries;
}
