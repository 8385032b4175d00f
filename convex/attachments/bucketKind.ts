import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { interrupted, newJob, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";

/** Deleting a file from the bucket, as a job: asking twice does no harm, and it never gives up. */
type Attachment = Doc<"attachments">;

export const DAY = 24 * 60 * 60 * 1000;
/** Longer than the bucket may take to answer. */
export const LEASE_MS = 60_000;
const FOREVER = { most: Infinity, mayRepeat: true, thenEvery: DAY };

/** Null for one that is not being deleted; also of a row of before there was one shape of jobs. */
export function deletionOf({ status, key, job, dueAt, attempts = 0 }: Attachment): Job | null {
  if (status !== "deleting" || key === undefined) return null;
  return job ?? { ...newJob(dueAt ?? 0), attempts };
}

export function withJob(job: Job): { job: Job; dueAt: undefined; attempts: undefined } {
  return { job, dueAt: undefined, attempts: undefined };
}

/** Writes when the bucket is asked next, and has it asked then. */
export async function putNext(ctx: MutationCtx, { _id: id }: Attachment, job: Job): Promise<void> {
  await ctx.db.patch("attachments", id, withJob(job));
  if (job.state !== "queued") return;
  await ctx.scheduler.runAt(job.at, internal.attachments.bucketJobs.removeFromBucket, { id });
}

export const bucketKind = jobKind({
  name: "bucket deletion",
  table: "attachments",
  leaseMs: LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("attachments")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: deletionOf,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ createdAt }) => createdAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("attachments", _id, withJob(job));
  },
  interrupted: async (ctx, attachment, job, now) => {
    const error = "Interrupted while the bucket was asked.";
    await putNext(ctx, attachment, interrupted(job, now, { ...FOREVER, error }));
  },
  start: async (ctx, attachment, job, now) => {
    const error = "It was not begun in time.";
    await putNext(ctx, attachment, interrupted(job, now, { ...FOREVER, error }));
  },
  retry: async (ctx, attachment, job, now) => {
    await putNext(ctx, attachment, queuedAt({ ...job, attempts: 0 }, now));
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "What was deleted does not stay in the bucket.");
  },
  ofBefore: async (ctx, most) => {
    const due = await ctx.db
      .query("attachments")
      .withIndex("by_dueAt", (q) => q.gt("dueAt", 0).lt("dueAt", Date.now()))
      .take(most);
    return due.filter(({ status }) => status === "deleting");
  },
});
