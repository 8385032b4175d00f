import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";

/** With a template goes what it says of projects; however much it is, in transactions of some rows each. */
const ROWS_AT_ONCE = 20;

export const step = internalMutation({
  args: { templateId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, { templateId }) => {
    const rows = await ctx.db
      .query("templateTasks")
      .withIndex("by_template", (q) => q.eq("templateId", templateId))
      .take(ROWS_AT_ONCE);
    for (const { _id } of rows) await ctx.db.delete("templateTasks", _id);
    if (rows.length === ROWS_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.templates.removal.step, { templateId });
      return null;
    }
    const outline = await ctx.db
      .query("templateOutlines")
      .withIndex("by_template", (q) => q.eq("templateId", templateId))
      .unique();
    if (outline) await ctx.db.delete("templateOutlines", outline._id);
    return null;
  },
});

/** @throws CONFLICT while tasks of a project are made from it */
export async function requireNotInUse(ctx: MutationCtx, templateId: Id<"objects">): Promise<void> {
  for (const state of ["queued", "running"] as const) {
    const job = await ctx.db
      .query("templateJobs")
      .withIndex("by_template", (q) => q.eq("templateId", templateId).eq("job.state", state))
      .first();
    if (!job) continue;
    const message = "A project is being made from it: delete it when that is done.";
    const details = { jobId: job._id, projectId: job.projectId };
    throw new ApiError("CONFLICT", message, { details });
  }
}
