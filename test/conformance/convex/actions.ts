import { createFunctionHandle, makeFunctionReference, type FunctionHandle } from "convex/server";
import { v, type Value } from "convex/values";
import { action, internalAction, internalMutation, internalQuery, mutation } from "./builders";

const addRef = makeFunctionReference<"mutation", { label: string; a?: Value }, string>(
  "actions:add",
);
const labelsRef = makeFunctionReference<"query", Record<string, never>, string[]>("actions:labels");
const echoRef = makeFunctionReference<"action", { value: Value }, Value>("actions:echo");

export const add = internalMutation({
  args: { label: v.string(), a: v.optional(v.any()) },
  handler: async (ctx, args): Promise<string> => await ctx.db.insert("rows", args),
});
export const labels = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.label),
});
export const echo = internalAction({
  args: { value: v.any() },
  handler: (_ctx, { value }): Promise<Value> => Promise.resolve(value as Value),
});

/** Each call of an action is a transaction of its own, and sees the ones before it. */
export const steps = action({
  args: {},
  handler: async (ctx): Promise<string[][]> => {
    const before = await ctx.runQuery(labelsRef, {});
    await ctx.runMutation(addRef, { label: "one" });
    const between = await ctx.runQuery(labelsRef, {});
    await ctx.runMutation(addRef, { label: "two" });
    return [before, between, await ctx.runQuery(labelsRef, {})];
  },
});
export const addThenThrow = action({
  args: {},
  handler: async (ctx) => {
    await ctx.runMutation(addRef, { label: "stays" });
    throw new Error("too late to undo");
  },
});
export const parallel = action({
  args: { count: v.number() },
  handler: async (ctx, { count }): Promise<number> => {
    await Promise.all(
      Array.from({ length: count }, (_, i) => ctx.runMutation(addRef, { label: String(i) })),
    );
    return (await ctx.runQuery(labelsRef, {})).length;
  },
});
export const through = action({
  args: { value: v.any() },
  handler: async (ctx, { value }): Promise<Value> =>
    await ctx.runAction(echoRef, { value: value as Value }),
});
export const contextKeys = action({
  args: {},
  handler: (ctx) => Promise.resolve(Object.keys(ctx).sort()),
});
export const badArgs = action({
  args: {},
  handler: async (ctx): Promise<string> =>
    await ctx.runMutation(addRef, { label: 1 as unknown as string }).catch(String),
});
export const missing = action({
  args: {},
  handler: async (ctx): Promise<string> => {
    const ref = makeFunctionReference<"mutation", Record<string, never>, string>("actions:absent");
    return await ctx.runMutation(ref, {}).catch(String);
  },
});
/** An action waits and takes the time; a query and a mutation cannot. */
export const wait = action({
  args: { ms: v.number() },
  handler: async (_ctx, { ms }) => {
    const start = Date.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return Date.now() - start;
  },
});

type AddHandle = FunctionHandle<"mutation", { label: string }, string>;
export const handle = mutation({
  args: {},
  handler: async (): Promise<string> => await createFunctionHandle(addRef),
});
/** Runs a mutation by its handle, from a mutation. */
export const runHandle = mutation({
  args: { handle: v.string(), label: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await ctx.runMutation(args.handle as AddHandle, { label: args.label }),
});
export const runHandleInAction = action({
  args: { handle: v.string(), label: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await ctx.runMutation(args.handle as AddHandle, { label: args.label }),
});
export const scheduleHandle = mutation({
  args: { handle: v.string(), label: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await ctx.scheduler.runAfter(0, args.handle as AddHandle, { label: args.label }),
});
