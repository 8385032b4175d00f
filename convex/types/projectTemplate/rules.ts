import { internal } from "../../_generated/api";
import type { TypeRules } from "../../ontology/typeRules";
import { requireNotInUse } from "../../templates/removal";

export const projectTemplateRules: TypeRules<"project_template"> = {
  /** However many its tasks are: they go after it. */
  async releases({ ctx }, { _id: templateId }) {
    await requireNotInUse(ctx, templateId);
    await ctx.scheduler.runAfter(0, internal.templates.removal.step, { templateId });
  },
};
