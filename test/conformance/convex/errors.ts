import { makeFunctionReference } from "convex/server";
import { ConvexError, v, type Value } from "convex/values";
import { action, internalMutation, internalQuery, mutation, query } from "./builders";

type Data = { data: Value };
const fromMutation = makeFunctionReference<"mutation", Data, null>("errors:raise");
const fromQuery = makeFunctionReference<"query", Data, null>("errors:raiseInQuery");
const fromAction = makeFunctionReference<"action", Data, null>("errors:raiseInAction");
const relayRef = makeFunctionReference<"mutation", Data, null>("errors:relay");

export const raise = mutation({
  args: { data: v.any() },
  handler: (_ctx, { data }): null => {
    throw new ConvexError(data as Value);
  },
});
export const raiseInQuery = query({
  args: { data: v.any() },
  handler: (_ctx, { data }): null => {
    throw new ConvexError(data as Value);
  },
});
export const raiseInAction = action({
  args: { data: v.any() },
  handler: (_ctx, { data }): null => {
    throw new ConvexError(data as Value);
  },
});

/** A subclass is a ConvexError to the caller. */
class Refusal extends ConvexError<{ code: string }> {
  override name = "Refusal";
}
export const raiseSubclass = query({
  args: {},
  handler: (): null => {
    throw new Refusal({ code: "subclass" });
  },
});

export const raisePlain = query({
  args: {},
  handler: (): null => {
    throw new TypeError("a plain error");
  },
});
export const raiseText = query({
  args: {},
  handler: (): null => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw "only text";
  },
});

export const relayed = mutation({
  args: { data: v.any() },
  handler: async (ctx, { data }): Promise<null> =>
    await ctx.runMutation(relayRef, { data: data as Value }),
});
export const relay = internalMutation({
  args: { data: v.any() },
  handler: async (ctx, { data }): Promise<null> =>
    await ctx.runMutation(fromMutation, { data: data as Value }),
});

/** What an action catches from each kind of function it runs. */
export const caught = action({
  args: {
    data: v.any(),
    from: v.union(v.literal("query"), v.literal("mutation"), v.literal("action")),
  },
  handler: async (ctx, { data, from }): Promise<{ convex: boolean; data: Value }> => {
    const args = { data: data as Value };
    try {
      if (from === "query") await ctx.runQuery(fromQuery, args);
      else if (from === "mutation") await ctx.runMutation(fromMutation, args);
      else await ctx.runAction(fromAction, args);
    } catch (error) {
      if (error instanceof ConvexError) return { convex: true, data: error.data as Value };
      return { convex: false, data: String(error) };
    }
    return { convex: false, data: null };
  },
});
/** An action that lets the mutation's error through. */
export const letThrough = action({
  args: { data: v.any() },
  handler: async (ctx, { data }): Promise<null> =>
    await ctx.runMutation(fromMutation, { data: data as Value }),
});

const plainRef = makeFunctionReference<"mutation", Record<string, never>, null>(
  "errors:writeThenThrow",
);
export const writeThenThrow = internalMutation({
  args: {},
  handler: async (ctx): Promise<null> => {
    await ctx.db.insert("log", { text: "never" });
    throw new Error("thrown in a mutation");
  },
});
/** What an action sees of a plain error, and that the mutation's write is gone. */
export const caughtPlain = action({
  args: {},
  handler: async (ctx): Promise<{ message: string; log: number }> => {
    let message = "";
    try {
      await ctx.runMutation(plainRef, {});
    } catch (error) {
      message = error instanceof Error ? error.message : "";
    }
    return { message, log: await ctx.runQuery(logCount, {}) };
  },
});
const logCount = makeFunctionReference<"query", Record<string, never>, number>("errors:countLog");
export const countLog = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.db.query("log").collect()).length,
});
