import type { Infer } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { cancelled } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import { STEP_LEASE_MS, triedAgain } from "../jobs/steps";
import type { Job } from "../schemas/jobSchemas";
import type { reminderPosition } from "../schemas/notificationSchemas";

/** An organization's round of reminders as a job in steps; the next hour's begins where this one ended. */
type Run = Doc<"reminderRuns">;
export type Position = Infer<typeof reminderPosition>;

/** What an hour has time for: the next round tries again what this one could not do. */
const MOST_INTERRUPTIONS = 5;

export async function continueRunAt(
  ctx: MutationCtx,
  { organizationId, position }: Pick<Run, "organizationId" | "position">,
  { lease }: Job,
  at: number,
): Promise<void> {
  const step = { organizationId, ...position, lease };
  await ctx.scheduler.runAt(at, internal.delivery.reminderJobs.step, step);
}

export const reminderKind = jobKind({
  name: "reminders",
  table: "reminderRuns",
  leaseMs: STEP_LEASE_MS,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("reminderRuns")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf: ({ job = null }) => job,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ startedAt }) => startedAt,
  write,
  interrupted: async (ctx, run, job, now) => {
    await goOn(ctx, run, triedAgain(job, now, MOST_INTERRUPTIONS));
  },
  retry: async (ctx, run, job, now) => {
    const { interruptions: _interruptions, ...anew } = job;
    await goOn(ctx, run, triedAgain(anew, now));
  },
  cancel: async (ctx, run, job, now) => {
    await write(ctx, run, cancelled(job, now));
  },
  ofBefore: async () => [],
});

async function write(ctx: MutationCtx, { _id }: Run, job: Job): Promise<void> {
  await ctx.db.patch("reminderRuns", _id, { job });
}

async function goOn(
  ctx: MutationCtx,
  run: Run,
  { job, startsAt }: { job: Job; startsAt: number | null },
): Promise<void> {
  await write(ctx, run, job);
  if (startsAt !== null) await continueRunAt(ctx, run, job, startsAt);
}
