import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError, invalidFields } from "../kit/errors";
import { dayOf } from "../kit/localTime";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import type { ObjectStore } from "../ontology/store";
import { rateOf } from "./rates";
import { type EntryPatch, insertRow, type NewEntry, removeRow, writeRows } from "./rows";
import type { TimeEntry } from "./sums";

export type TimeContext = { ctx: MutationCtx; store: ObjectStore };

export const MAX_MINUTES = 1440;
const MINUTE = 60_000;

/** Of when it was: from one moment to another, or so many minutes of a day. */
export type Span = {
  startedAt?: number | undefined;
  endedAt?: number | undefined;
  /** Any moment of the day. */
  date?: number | undefined;
  minutes?: number | undefined;
};
export type NewTime = Span & { note?: string | undefined; billable?: boolean | undefined };
export type TimeChange = Span & {
  note?: string | null | undefined;
  billable?: boolean | undefined;
  rateInCents?: number | undefined;
};

/** Overlapping entries are taken as they are: two things can be done at once. */
export async function logTime(
  context: TimeContext,
  task: ObjectDoc<"task">,
  userId: Id<"users">,
  { note, billable = true, ...span }: NewTime,
): Promise<TimeEntry> {
  const { timeZone } = await context.store.settings();
  return await insertEntry(context, task, userId, {
    ...spanOf(span, timeZone),
    ...(note === undefined ? {} : { note }),
    billable,
    isRunning: false,
  });
}

type Given = Pick<NewEntry, "date" | "minutes" | "billable" | "isRunning"> &
  Partial<Pick<NewEntry, "startedAt" | "endedAt" | "note">>;

export async function insertEntry(
  context: TimeContext,
  task: ObjectDoc<"task">,
  userId: Id<"users">,
  given: Given,
): Promise<TimeEntry> {
  const { ctx, store } = context;
  const { projectId } = task.customProperties;
  const project = await store.require("project", projectId);
  const rate = await rateOf(ctx, { project, userId, organization: await store.settings() });
  const entry = await insertRow(
    { ctx, scope: store.scope },
    { projectId, taskId: task._id, userId, ...given, ...rate },
  );
  await addToTask(store, entry, entry.minutes);
  return entry;
}

/** @throws INVALID_STATE for one that is billed; VALIDATION_ERROR */
export async function changeEntry(
  context: TimeContext,
  entry: TimeEntry,
  { note, billable, rateInCents, ...span }: TimeChange,
): Promise<TimeEntry> {
  requireUnbilled(entry);
  return await writeEntry(context, entry, {
    ...(await changedSpan(context, entry, span)),
    ...(note === undefined ? {} : { note: note ?? undefined }),
    ...(billable === undefined ? {} : { billable }),
    ...(rateInCents === undefined ? {} : { rateInCents }),
  });
}

/** Writes it with all that depends on it. */
export async function writeEntry(
  { ctx, store }: TimeContext,
  entry: TimeEntry,
  patch: EntryPatch,
): Promise<TimeEntry> {
  const [after = entry] = await writeRows({ ctx, scope: store.scope }, [entry], patch, "updated");
  await addToTask(store, entry, after.minutes - entry.minutes);
  return after;
}

/** @throws INVALID_STATE for one that is billed */
export async function removeEntry({ ctx, store }: TimeContext, entry: TimeEntry): Promise<void> {
  requireUnbilled(entry);
  await removeRow({ ctx, scope: store.scope }, entry);
  await addToTask(store, entry, -entry.minutes);
}

/** Whether or not who changes the entry sees its task any more, and whether or not the task is there. */
async function addToTask(store: ObjectStore, { taskId }: TimeEntry, more: number): Promise<void> {
  if (more === 0) return;
  const task = await store.findDeletedToo(taskId);
  if (!task || !isOfType(task, "task")) return;
  const loggedMinutes = task.customProperties.loggedMinutes + more;
  if (task.lifecycle === "deleted") await store.amendTombstone(task, { loggedMinutes });
  else await store.update(task, { customProperties: { loggedMinutes } });
}

function requireUnbilled({ invoiceId }: TimeEntry): void {
  if (invoiceId === undefined) return;
  const message = "An invoice bills it: cancel or credit that invoice first.";
  throw new ApiError("INVALID_STATE", message, {
    details: { status: "billed", allowed: ["unbilled"], invoiceId },
  });
}

/** The end of a timer, or of a span: not before its start, and not more than a day after it. */
export function minutesBetween(startedAt: number, endedAt: number): number {
  if (endedAt <= startedAt) throw wrong("endedAt", "must lie after startedAt");
  if (endedAt - startedAt > MAX_MINUTES * MINUTE) {
    throw wrong("endedAt", "must lie at most 24 hours after startedAt; say when it ended");
  }
  return Math.max(1, Math.round((endedAt - startedAt) / MINUTE));
}

function spanOf(
  { startedAt, endedAt, date, minutes }: Span,
  timeZone: string,
): Pick<Given, "startedAt" | "endedAt" | "date" | "minutes"> {
  if (startedAt !== undefined || endedAt !== undefined) {
    if (startedAt === undefined) throw wrong("startedAt", "is required beside endedAt");
    if (endedAt === undefined) throw wrong("endedAt", "is required beside startedAt");
    if (date !== undefined) throw wrong("date", "cannot be combined with startedAt");
    if (minutes !== undefined) throw wrong("minutes", "cannot be combined with startedAt");
    const day = dayOf(startedAt, timeZone);
    return { startedAt, endedAt, date: day, minutes: minutesBetween(startedAt, endedAt) };
  }
  if (date === undefined) throw wrong("date", "is required where there is no startedAt");
  if (minutes === undefined) throw wrong("minutes", "is required where there is no startedAt");
  return { date: dayOf(date, timeZone), minutes };
}

async function changedSpan(
  { store }: TimeContext,
  entry: TimeEntry,
  { startedAt, endedAt, date, minutes }: Span,
): Promise<EntryPatch> {
  const { timeZone } = await store.settings();
  if (entry.startedAt === undefined) {
    if (startedAt !== undefined || endedAt !== undefined) {
      return spanOf({ startedAt, endedAt, date, minutes }, timeZone);
    }
    return {
      ...(date === undefined ? {} : { date: dayOf(date, timeZone) }),
      ...(minutes === undefined ? {} : { minutes }),
    };
  }
  if (date !== undefined) throw wrong("date", "is the day of startedAt; change that");
  if (minutes !== undefined) throw wrong("minutes", "are those to endedAt; change that");
  if (startedAt === undefined && endedAt === undefined) return {};
  const start = startedAt ?? entry.startedAt;
  const end = endedAt ?? entry.endedAt;
  if (end === undefined) return { startedAt: start, date: dayOf(start, timeZone) };
  return { ...spanOf({ startedAt: start, endedAt: end }, timeZone), isRunning: false };
}

function wrong(field: string, message: string): ApiError {
  return invalidFields([{ field, message }]);
}
