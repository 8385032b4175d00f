import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { cancelled, interrupted, newJob, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";

/** Gathering what is held of a person: asking twice does no harm, and what was gathered in part is gathered anew. */
export const EXPORT_LEASE_MS = 10 * 60 * 1000;
const MOST_INTERRUPTIONS = 5;

/** Writes when it is tried next, and has it tried then. */
export async function putNextExport(
  ctx: MutationCtx,
  id: Id<"profileExports">,
  job: Job,
): Promise<void> {
  await ctx.db.patch("profileExports", id, { job });
  if (job.state !== "queued") return;
  await ctx.scheduler.runAt(job.at, internal.accounts.exportJobs.run, { id });
}

export const exportKind = jobKind({
  name: "profile export",
  table: "profileExports",
  leaseMs: EXPORT_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("profileExports")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: ({ job, createdAt }) => job ?? newJob(createdAt),
  organizationOf: () => null,
  createdAt: ({ createdAt }) => createdAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("profileExports", _id, { job });
  },
  interrupted: async (ctx, { _id }, job, now) => {
    const how = { most: MOST_INTERRUPTIONS, mayRepeat: true, error: "Interrupted while it ran." };
    await putNextExport(ctx, _id, interrupted(job, now, how));
  },
  start: async (ctx, { _id }, job, now) => {
    const how = { most: MOST_INTERRUPTIONS, mayRepeat: true, error: "It was not begun in time." };
    await putNextExport(ctx, _id, interrupted(job, now, how));
  },
  retry: async (ctx, { _id }, job, now) => {
    await putNextExport(ctx, _id, queuedAt({ ...job, attempts: 0 }, now));
  },
  cancel: async (ctx, { _id }, job, now) => {
    await ctx.db.patch("profileExports", _id, { job: cancelled(job, now) });
  },
  // There were none before jobs had one shape.
  ofBefore: async () => [],
});
