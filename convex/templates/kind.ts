import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { cancelled } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import { STEP_LEASE_MS, triedAgain } from "../jobs/steps";
import type { Job } from "../schemas/jobSchemas";
import { stepAt } from "./jobs";

/** What cannot be carried on in a day and a half is for a person to see. */
const MOST_INTERRUPTIONS = 10;

export const templateKind = jobKind({
  name: "project from template",
  table: "templateJobs",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("templateJobs")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: ({ job = null }) => job,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ createdAt }) => createdAt,
  write,
  interrupted: async (ctx, row, job, now) => {
    await goOn(ctx, row, triedAgain(job, now, MOST_INTERRUPTIONS));
  },
  retry: async (ctx, row, job, now) => {
    if (job.state === "cancelled") {
      throw new ApiError("INVALID_STATE", "It was ended: make another project from the template.");
    }
    const { interruptions: _interruptions, ...anew } = job;
    await goOn(ctx, row, triedAgain(anew, now));
  },
  // Its next step ends it; what was made stays.
  cancel: async (ctx, row, job, now) => {
    await write(ctx, row, cancelled(job, now));
  },
  // There were none before jobs had one shape.
  ofBefore: async () => [],
});

async function write(ctx: MutationCtx, { _id }: Doc<"templateJobs">, job: Job): Promise<void> {
  await ctx.db.patch("templateJobs", _id, { job });
}

async function goOn(
  ctx: MutationCtx,
  row: Doc<"templateJobs">,
  { job, startsAt }: { job: Job; startsAt: number | null },
): Promise<void> {
  await write(ctx, row, job);
  if (startsAt !== null) await stepAt(ctx, row._id, job, startsAt);
}
