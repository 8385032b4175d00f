import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { ObjectStore } from "../ontology/store";
import { termName } from "../ontology/terms";
import { jobScope } from "../schemas/crmSchemas";

/** So many tasks lose a deleted label in one transaction. */
const TASKS_AT_ONCE = 100;

/** A label that was deleted is taken from the tasks that have it, batch by batch. */
export const strip = internalMutation({
  args: { scope: jobScope, labelId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, { scope, labelId }) => {
    const store = new ObjectStore(ctx, scope);
    const rows = await ctx.db
      .query("objectTerms")
      .withIndex("by_term", (q) =>
        q
          .eq("organizationId", scope.organizationId)
          .eq("type", "task")
          .eq("term", termName("labels", labelId)),
      )
      .take(TASKS_AT_ONCE);
    for (const { objectId } of rows) {
      const task = await store.find("task", objectId);
      if (!task) continue;
      const labelIds = task.customProperties.labelIds.filter((id) => id !== labelId);
      await store.update(task, { customProperties: { labelIds } });
    }
    await store.finish();
    if (rows.length < TASKS_AT_ONCE) return null;
    await ctx.scheduler.runAfter(0, internal.tasks.labelJobs.strip, { scope, labelId });
    return null;
  },
});
