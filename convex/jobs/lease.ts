import type { MutationCtx } from "../_generated/server";
import type { Job } from "../schemas/jobSchemas";

/**
 * Whether who holds a job may still be at work: its lease has not ended, and the function that holds it,
 * where one is known, has neither. A process that died takes its functions with it.
 */
export async function isAlive(ctx: MutationCtx, job: Job, now: number): Promise<boolean> {
  const { runner, at, until = at } = job;
  if (until <= now) return false;
  if (runner === undefined) return true;
  const state = (await ctx.db.system.get("_scheduled_functions", runner))?.state.kind;
  return state === "pending" || state === "inProgress";
}
