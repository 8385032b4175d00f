import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ended, interrupted, newJob, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";

/**
 * Applying an event that a provider sent, as a job: each attempt is a transaction, so none is held, and
 * none is half done.
 */
type Incoming = Doc<"incomingEvents">;

const DAY = 24 * 60 * 60 * 1000;
const MOST_INTERRUPTIONS = 11;

/** Also of a row of before there was one shape of jobs. */
export function jobOf({
  job,
  status,
  attempts = 0,
  nextAttemptAt,
  error,
  receivedAt,
}: Incoming): Job {
  if (job) return job;
  const old = { ...newJob(nextAttemptAt ?? receivedAt), attempts };
  if (status === "received" || nextAttemptAt !== undefined) return old;
  const isDone = status === "applied" || status === "ignored";
  return ended(old, isDone ? "succeeded" : "failed", receivedAt, isDone ? undefined : error);
}

export function withJob(job: Job): { job: Job; attempts: undefined; nextAttemptAt: undefined } {
  return { job, attempts: undefined, nextAttemptAt: undefined };
}

/** Writes what comes next of an event that could not be applied: another attempt, or none. */
export async function putNext(
  ctx: MutationCtx,
  { _id: id }: Incoming,
  job: Job,
  error: string,
): Promise<void> {
  await ctx.db.patch("incomingEvents", id, { status: "failed", error, ...withJob(job) });
  if (job.state === "queued")
    await ctx.scheduler.runAt(job.at, internal.kit.incoming.retry, { id });
}

export const incomingKind = jobKind({
  name: "incoming event",
  table: "incomingEvents",
  leaseMs: DAY,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("incomingEvents")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf,
  organizationOf: ({ organizationId = null }) => organizationId,
  createdAt: ({ receivedAt }) => receivedAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("incomingEvents", _id, withJob(job));
  },
  interrupted: async () => {
    // Nobody holds one.
  },
  start: async (ctx, event, job, now) => {
    const error = "Its attempt did not come to an end.";
    const next = interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat: true });
    await putNext(ctx, event, next, error);
  },
  retry: async (ctx, event, job, now) => {
    const next = queuedAt({ ...job, attempts: 0 }, now);
    await putNext(ctx, event, next, event.error ?? "It is tried again.");
  },
  cancel: async (ctx, event, job, now) => {
    const error = "It was cancelled.";
    await putNext(ctx, event, ended(job, "cancelled", now, error), error);
  },
  // Each has its function scheduled, which meets it.
  ofBefore: async () => [],
});
