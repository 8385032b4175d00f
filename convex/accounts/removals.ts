import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { begun } from "../jobs/steps";
import type { Job } from "../schemas/jobSchemas";

/** What an account that is no more leaves behind is taken away, or handed on, by a job. */
export type Removal = Doc<"accountRemovals">;

export async function beginRemoval(
  ctx: MutationCtx,
  {
    userId,
    organizationIds,
    mergedInto,
  }: Pick<Removal, "userId" | "organizationIds" | "mergedInto">,
): Promise<void> {
  const now = Date.now();
  const job = begun(now, organizationIds.length + 2);
  const removalId = await ctx.db.insert("accountRemovals", {
    ...{ userId, organizationIds, job, createdAt: now },
    ...(mergedInto === undefined ? {} : { mergedInto }),
  });
  await goOnAt(ctx, removalId, job, now);
}

export async function goOnAt(
  ctx: MutationCtx,
  removalId: Id<"accountRemovals">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.accounts.removalJobs.step, { removalId, lease });
}
