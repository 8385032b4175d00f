import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { jobScopeOf, type WriteScope } from "../ontology/effects";
import { jobScope } from "../schemas/crmSchemas";
import { leaveProjects } from "./members";

/** Whoever leaves an organization leaves its projects, the many of some in further transactions. */
export async function leaveTeams(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"users">,
): Promise<void> {
  if (await leaveProjects(ctx, scope, userId)) return;
  const rest = { scope: jobScopeOf(scope), userId };
  await ctx.scheduler.runAfter(0, internal.team.leaving.goOn, rest);
}

export const goOn = internalMutation({
  args: { scope: jobScope, userId: v.id("users") },
  returns: v.null(),
  handler: async (ctx, { scope, userId }) => {
    await leaveTeams(ctx, scope, userId);
    return null;
  },
});
