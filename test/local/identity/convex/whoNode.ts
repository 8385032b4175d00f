"use node";
import { actionGeneric } from "convex/server";

export const inNode = actionGeneric({
  args: {},
  handler: async (ctx) => await ctx.auth.getUserIdentity(),
});
