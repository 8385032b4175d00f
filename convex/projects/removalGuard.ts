import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { sightRow } from "../ontology/sight";
import { jobScope } from "../schemas/crmSchemas";

const LOOKS_AGAIN_MS = 5 * 60_000;

/** A step that failed, at a start under load or by a fault, ends the chain: it is begun again until all is gone. */
export const look = internalMutation({
  args: { scope: jobScope, projectId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, removal) => {
    const sight = await sightRow(ctx, removal.scope.organizationId, removal.projectId);
    if (!sight?.isRemoved) return null;
    await ctx.scheduler.runAfter(0, internal.projects.removal.step, removal);
    await ctx.scheduler.runAfter(LOOKS_AGAIN_MS, internal.projects.removalGuard.look, removal);
    return null;
  },
});
