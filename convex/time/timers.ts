import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError, notFound } from "../kit/errors";
import { dayOf } from "../kit/localTime";
import type { ObjectDoc } from "../ontology/registry";
import { insertEntry, MAX_MINUTES, minutesBetween, type TimeContext, writeEntry } from "./entries";
import type { TimeEntry } from "./sums";

type Task = ObjectDoc<"task">;
const MINUTE = 60_000;

type Said = { note?: string | undefined };

/**
 * One that runs on a task which is gone, or which they do not see any more, cannot be stopped there, and ends.
 * @throws CONFLICT while another timer of the member runs in the organization
 */
export async function startTimer(
  context: TimeContext,
  task: Task,
  userId: Id<"users">,
  { note, billable = true }: Said & { billable?: boolean | undefined },
): Promise<TimeEntry> {
  const startedAt = Date.now();
  const next = async (): Promise<TimeEntry | null> =>
    await runningTimer(context.ctx, task.organizationId, userId);
  for (let running = await next(); running; running = await next()) {
    if (await context.store.find("task", running.taskId)) {
      throw new ApiError("CONFLICT", "A timer runs already: stop it first.", {
        details: { id: running._id, taskId: running.taskId },
      });
    }
    await endUnseen(context, running, startedAt);
  }
  const { timeZone } = await context.store.settings();
  return await insertEntry(context, task, userId, {
    ...{ startedAt, date: dayOf(startedAt, timeZone), minutes: 0, billable, isRunning: true },
    ...(note === undefined ? {} : { note }),
  });
}

/**
 * Now, or when it was forgotten, at `endedAt`.
 * @throws TIMER_NOT_FOUND where none of the member's runs on the task; VALIDATION_ERROR for one that would
 *   have run for more than a day
 */
export async function stopTimer(
  context: TimeContext,
  task: Task,
  userId: Id<"users">,
  { note, endedAt = Date.now() }: Said & { endedAt?: number | undefined },
): Promise<TimeEntry> {
  const running = await runningTimer(context.ctx, task.organizationId, userId, task._id);
  if (running?.startedAt === undefined) throw notFound("timer");
  // Stopped in the millisecond in which it was started.
  const end = endedAt === running.startedAt ? endedAt + 1 : endedAt;
  return await writeEntry(context, running, {
    ...{ endedAt: end, minutes: minutesBetween(running.startedAt, end), isRunning: false },
    ...(note === undefined ? {} : { note }),
  });
}

async function endUnseen(context: TimeContext, running: TimeEntry, now: number): Promise<void> {
  const { startedAt = now } = running;
  const latest = startedAt + MAX_MINUTES * MINUTE;
  const endedAt = Math.max(startedAt + 1, Math.min(now, latest));
  const minutes = minutesBetween(startedAt, endedAt);
  await writeEntry(context, running, { endedAt, minutes, isRunning: false });
}

/** Of accounts that were joined, there may be two. */
export async function runningTimer(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
  taskId?: Id<"objects">,
): Promise<TimeEntry | null> {
  const running = await ctx.db
    .query("timeEntries")
    .withIndex("by_running", (q) =>
      q.eq("organizationId", organizationId).eq("userId", userId).eq("isRunning", true),
    )
    .take(10);
  return running.find((entry) => taskId === undefined || entry.taskId === taskId) ?? null;
}
