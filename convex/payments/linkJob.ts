import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { ended, interrupted, isOpen, newJob, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";

/** Asking a provider for a page on which an invoice is paid, and for its end, as a job. */
type Link = Doc<"paymentLinks">;

/** An action that has not told its outcome by then was interrupted. */
export const LINK_LEASE_MS = 30_000;
const MOST_INTERRUPTIONS = 11;

/** Also of a row of before there was one shape of jobs. */
export function jobOf({ job, status, attempts = 0, nextAttemptAt = 0, error }: Link): Job {
  if (job) return job;
  const old = { ...newJob(nextAttemptAt), attempts };
  if (status === "pending" || status === "closing") return old;
  return ended(old, status === "failed" ? "failed" : "succeeded", nextAttemptAt, error);
}

export function withJob(job: Job): { job: Job; attempts: undefined; nextAttemptAt: undefined } {
  return { job, attempts: undefined, nextAttemptAt: undefined };
}

export async function startLink(
  ctx: MutationCtx,
  id: Id<"paymentLinks">,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.payments.stripe.workOnLink, { id });
}

/** Writes what comes next of a link that could not be made or closed: another attempt, or its end. */
export async function putNext(ctx: MutationCtx, link: Link, job: Job): Promise<void> {
  const { _id, status } = link;
  const given = job.error === undefined ? {} : { error: job.error };
  const end = status === "pending" ? ("failed" as const) : ("closed" as const);
  const next = isOpen(job) ? status : end;
  await ctx.db.patch("paymentLinks", _id, { status: next, ...given, ...withJob(job) });
  if (job.state === "queued") await startLink(ctx, _id, job.at);
}

export const linkKind = jobKind({
  name: "payment link",
  table: "paymentLinks",
  leaseMs: LINK_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("paymentLinks")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ createdAt }) => createdAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("paymentLinks", _id, withJob(job));
  },
  interrupted: async (ctx, link, job, now) => {
    const error = "Interrupted while the provider was asked.";
    // The provider knows a repetition by its key; of one that was closed nobody has the address.
    const next =
      link.status === "closed"
        ? ended(job, "cancelled", now)
        : interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat: true });
    await putNext(ctx, link, next);
  },
  start: async (ctx, link, job, now) => {
    const error = "It was not begun in time.";
    await putNext(
      ctx,
      link,
      interrupted(job, now, { most: MOST_INTERRUPTIONS, error, mayRepeat: true }),
    );
  },
  retry: async (ctx, link, job, now) => {
    const status = link.status === "failed" ? ("pending" as const) : link.status;
    if (status === "closed") {
      throw new ApiError("INVALID_STATE", "A page that is closed is not made again.");
    }
    const next = queuedAt({ ...job, attempts: 0 }, now);
    await ctx.db.patch("paymentLinks", link._id, { status, ...withJob(next) });
    await startLink(ctx, link._id, now);
  },
  cancel: async () => {
    const message = "Take back what is open on the invoice: its page is closed with that.";
    throw new ApiError("INVALID_STATE", message);
  },
  // Each has its function scheduled, which meets it.
  ofBefore: async () => [],
});
