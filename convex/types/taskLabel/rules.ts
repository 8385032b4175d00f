import { internal } from "../../_generated/api";
import { jobScopeOf } from "../../ontology/effects";
import type { TypeRules } from "../../ontology/typeRules";

export const taskLabelRules: TypeRules<"task_label"> = {
  /** However many tasks have it: they lose it after it is gone. */
  async releases({ ctx, store }, { _id: labelId }) {
    const scope = jobScopeOf(store.scope);
    await ctx.scheduler.runAfter(0, internal.tasks.labelJobs.strip, { scope, labelId });
  },
};
