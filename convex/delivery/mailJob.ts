import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ended, type JobEnd, NEVER, newJob } from "../jobs/job";
import type { Job } from "../schemas/jobSchemas";

/** The sending of a message as a job, also of rows of before there was one shape of jobs. */
type Notification = Doc<"notifications">;

/** How a job ends whose message is in a status; while it is queued or sent it has not ended. */
const END_OF: Partial<Record<Notification["status"], JobEnd>> = {
  sent: "succeeded",
  delivered: "succeeded",
  failed: "failed",
  bounced: "failed",
  cancelled: "cancelled",
  unknown: "unknown",
};

/** Null in an inbox: nobody sends what lies there. */
export function sendingOf(message: Notification): Job | null {
  return message.channel === "in_app" ? null : jobOf(message);
}

export function jobOf(message: Notification): Job {
  return message.job ?? jobOfBefore(message);
}

/** What is written with a job: what a row of before said of it goes. */
export function withJob(job: Job): Pick<Partial<Notification>, "job"> & typeof NOT_OF_BEFORE {
  return { job, ...NOT_OF_BEFORE };
}

const NOT_OF_BEFORE = {
  nextAttemptAt: undefined,
  jobId: undefined,
  interruptions: undefined,
  leasedUntil: undefined,
};

/** With the status that a message ends in. */
export function endedAs(
  message: Notification,
  status: Notification["status"],
  now: number,
  reason?: string,
): ReturnType<typeof withJob> {
  return withJob(ended(jobOf(message), END_OF[status] ?? "failed", now, reason));
}

export async function writeJob(
  ctx: MutationCtx,
  { _id }: Pick<Notification, "_id">,
  job: Job,
): Promise<void> {
  await ctx.db.patch("notifications", _id, withJob(job));
}

function jobOfBefore(message: Notification): Job {
  const { status, jobId, interruptions, leasedUntil, nextAttemptAt = NEVER } = message;
  const job = {
    ...newJob(nextAttemptAt),
    attempts: message.attempts.length,
    ...(interruptions === undefined ? {} : { interruptions }),
  };
  const end = END_OF[status];
  if (end) return ended(job, end, message.updatedAt, message.reason);
  const runner = jobId === undefined ? {} : { runner: jobId };
  if (status === "sending") {
    const until = leasedUntil ?? message.updatedAt;
    return { ...job, ...runner, state: "running", at: until, until, asked: true };
  }
  return jobId === undefined ? job : { ...job, ...runner, state: "running" };
}
