import type { MutationCtx } from "../_generated/server";
import { newJob } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import { STEP_LEASE_MS, triedAgain } from "../jobs/steps";
import { ApiError } from "../kit/errors";
import type { Job } from "../schemas/jobSchemas";
import { goOnAt, type Removal } from "./removals";

/** Taking away what an account leaves behind: it never gives up, because people have a right to it. */
export const removalKind = jobKind({
  name: "account removal",
  table: "accountRemovals",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("accountRemovals")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: ({ job, createdAt }) => job ?? newJob(createdAt),
  organizationOf: () => null,
  createdAt: ({ createdAt }) => createdAt,
  write,
  interrupted: async (ctx, row, job, now) => {
    const { job: next, startsAt } = triedAgain(job, now);
    await write(ctx, row, next);
    await goOnAt(ctx, row._id, next, startsAt ?? now);
  },
  retry: async () => {
    throw new ApiError("INVALID_STATE", "It goes on by itself until it is done.");
  },
  cancel: async () => {
    throw new ApiError("INVALID_STATE", "An account that was deleted does not come back.");
  },
  // There were none before jobs had one shape.
  ofBefore: async () => [],
});

async function write(ctx: MutationCtx, { _id }: Removal, job: Job): Promise<void> {
  await ctx.db.patch("accountRemovals", _id, { job });
}
