import { type Auth, makeFunctionReference, type UserIdentity } from "convex/server";
import { v } from "convex/values";
import { action, internalMutation, mutation, query } from "./builders";

const queryRef = makeFunctionReference<"query", Record<string, never>, UserIdentity | null>(
  "identity:inQuery",
);
const noteRef = makeFunctionReference<"mutation", Record<string, never>, null>("identity:note");

const identityOf = async (ctx: { auth: Auth }): Promise<UserIdentity | null> =>
  await ctx.auth.getUserIdentity();

export const inQuery = query({ args: {}, handler: identityOf });
export const inMutation = mutation({ args: {}, handler: identityOf });
export const inAction = action({ args: {}, handler: identityOf });
export const nested = action({
  args: {},
  handler: async (ctx): Promise<UserIdentity | null> => await ctx.runQuery(queryRef, {}),
});
export const schedule = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, noteRef, {});
  },
});
export const note = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const identity = await ctx.auth.getUserIdentity();
    await ctx.db.insert("log", { text: identity === null ? "nobody" : identity.subject });
    return null;
  },
});
export const notes = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("log").collect()).map(({ text }) => text),
});
