import type { Value } from "convex/values";
import type { MutationCtx } from "../_generated/server";
import { changesBetween, definedOnly } from "../ontology/changes";
import { record, type WriteScope } from "../ontology/effects";
import { addToSums, type TimeEntry, type Turn } from "./sums";

/**
 * The only writer of entries of time: each write keeps the sums of the project, and leaves its audit
 * entry. The minutes of tasks, which are objects, are kept where minutes change: entries.ts.
 */
export type RowWriter = { ctx: MutationCtx; scope: WriteScope };
export type NewEntry = Omit<
  TimeEntry,
  "_id" | "_creationTime" | "organizationId" | "isUnbilled" | "createdAt" | "updatedAt"
>;
/** `undefined` clears. */
export type EntryPatch = { [F in keyof NewEntry]?: NewEntry[F] | undefined };

export async function insertRow({ ctx, scope }: RowWriter, entry: NewEntry): Promise<TimeEntry> {
  const now = Date.now();
  const id = await ctx.db.insert("timeEntries", {
    ...{ organizationId: scope.organizationId, ...entry },
    isUnbilled: isUnbilled(entry),
    ...{ createdAt: now, updatedAt: now },
  });
  const after = await ctx.db.get("timeEntries", id);
  if (!after) throw new Error(`Time entry ${id} vanished within its own transaction.`);
  await entail({ ctx, scope }, [{ before: null, after }], "created");
  return after;
}

/** Several at once, as an invoice bills or frees them, write the sums of their project once. */
export async function writeRows(
  writer: RowWriter,
  entries: readonly TimeEntry[],
  patch: EntryPatch,
  verb: string,
): Promise<TimeEntry[]> {
  const turns = entries.map((before) => {
    const after = definedOnly({ ...before, ...patch }) as TimeEntry;
    return { before, after: { ...after, isUnbilled: isUnbilled(after), updatedAt: Date.now() } };
  });
  for (const { after } of turns) {
    const { _id, isUnbilled, updatedAt } = after;
    await writer.ctx.db.patch("timeEntries", _id, { ...patch, isUnbilled, updatedAt });
  }
  await entail(writer, turns, verb);
  return turns.map(({ after }) => after);
}

export async function removeRow(writer: RowWriter, entry: TimeEntry): Promise<void> {
  await writer.ctx.db.delete("timeEntries", entry._id);
  await entail(writer, [{ before: entry, after: null }], "deleted");
}

/** Whether the next invoice takes it. */
function isUnbilled({ billable, isRunning, invoiceId }: NewEntry): boolean {
  return billable && !isRunning && invoiceId === undefined;
}

async function entail({ ctx, scope }: RowWriter, turns: Turn[], verb: string): Promise<void> {
  await addToSums(ctx, turns);
  for (const { before, after } of turns) {
    const entry = after ?? before;
    if (!entry) continue;
    await record(ctx, scope, {
      ...{ action: `time_entry.${verb}`, objectType: "time_entry", objectId: entry._id },
      changes: changesBetween(before ? audited(before) : {}, after ? audited(after) : {}),
    });
  }
}

function audited(entry: TimeEntry): Record<string, Value> {
  const { taskId, userId, startedAt, endedAt, date, minutes, note, billable } = entry;
  const { rateInCents, currency, isRunning, invoiceId } = entry;
  return definedOnly({
    ...{ taskId, userId, startedAt, endedAt, date, minutes, note, billable },
    ...{ rateInCents, currency, isRunning, invoiceId },
  });
}
