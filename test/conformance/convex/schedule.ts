import { makeFunctionReference, type FunctionReference } from "convex/server";
import { v, type Value } from "convex/values";
import {
  action,
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./builders";

type Target = FunctionReference<"mutation" | "action", "public" | "internal">;
const recordRef = makeFunctionReference<"mutation", { text: string }, null>("schedule:record");
const targets: Record<string, Target> = {
  record: recordRef,
  act: makeFunctionReference<"action">("schedule:act"),
  fail: makeFunctionReference<"mutation">("schedule:fail"),
  failAction: makeFunctionReference<"action">("schedule:failAction"),
  chain: makeFunctionReference<"mutation">("schedule:chain"),
  whoAmI: makeFunctionReference<"action">("schedule:whoAmI"),
  plain: makeFunctionReference<"mutation">("schedule:plain"),
  absent: makeFunctionReference<"mutation">("schedule:absent"),
  elsewhere: makeFunctionReference<"mutation">("nowhere:absent"),
};
const target = (name: string): Target => {
  const found = targets[name];
  if (found === undefined) throw new Error(`no target ${name}`);
  return found;
};

const what = { target: v.string(), args: v.optional(v.any()), ms: v.optional(v.number()) };
const argsOf = (args: unknown) => (args ?? {}) as Record<string, Value>;

export const after = mutation({
  args: what,
  handler: async (ctx, { target: name, args, ms }) =>
    await ctx.scheduler.runAfter(ms ?? 0, target(name), argsOf(args)),
});
export const at = mutation({
  args: { ...what, date: v.optional(v.boolean()) },
  handler: async (ctx, { target: name, args, ms, date }) => {
    const time = Date.now() + (ms ?? 0);
    const when = date === true ? new Date(time) : time;
    const id = await ctx.scheduler.runAt(when, target(name), argsOf(args));
    return { id, time };
  },
});
export const afterInAction = action({
  args: { ...what, thenThrow: v.optional(v.boolean()) },
  handler: async (ctx, { target: name, args, ms, thenThrow }): Promise<string> => {
    const id = await ctx.scheduler.runAfter(ms ?? 0, target(name), argsOf(args));
    if (thenThrow === true) throw new Error("after scheduling");
    return id;
  },
});
export const thenThrow = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, recordRef, { text: "never" });
    throw new Error("after scheduling");
  },
});
const nestedRef = makeFunctionReference<"mutation", Record<string, never>, null>(
  "schedule:thenThrow",
);
/** A nested mutation schedules and fails; the outer one schedules and succeeds. */
export const nestedThrow = mutation({
  args: {},
  handler: async (ctx): Promise<void> => {
    await ctx.runMutation(nestedRef, {}).catch(() => null);
    await ctx.scheduler.runAfter(0, recordRef, { text: "outer" });
  },
});
/** Writes, schedules, and writes again; the scheduled function sees both writes. */
export const betweenWrites = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("log", { text: "first" });
    await ctx.scheduler.runAfter(0, target("plain"), {});
    await ctx.db.insert("log", { text: "second" });
  },
});
export const several = mutation({
  args: { texts: v.array(v.string()) },
  handler: async (ctx, { texts }) => {
    for (const text of texts) await ctx.scheduler.runAfter(0, recordRef, { text });
  },
});
export const cancel = mutation({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => {
    await ctx.scheduler.cancel(id);
  },
});
export const cancelInAction = action({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => {
    await ctx.scheduler.cancel(id);
  },
});
/** Schedules and thinks better of it in the same mutation. */
export const scheduleAndCancel = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.scheduler.runAfter(0, recordRef, { text: "never" });
    await ctx.scheduler.cancel(id);
    return id;
  },
});

export const record = internalMutation({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.db.insert("log", { text });
    return null;
  },
});
export const plain = internalMutation({
  args: {},
  handler: async (ctx) => {
    const log = await ctx.db.query("log").collect();
    await ctx.db.insert("log", { text: log.map(({ text }) => text).join("+") });
  },
});
export const fail = internalMutation({
  args: {},
  handler: async (ctx): Promise<null> => {
    await ctx.db.insert("log", { text: "rolled back" });
    throw new Error("the job failed");
  },
});
export const act = internalAction({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.runMutation(recordRef, { text: `by action: ${text}` });
  },
});
export const failAction = internalAction({
  args: {},
  handler: async (ctx): Promise<null> => {
    await ctx.runMutation(recordRef, { text: "stays" });
    throw new Error("the action failed");
  },
});
export const chain = internalMutation({
  args: { left: v.number() },
  handler: async (ctx, { left }) => {
    await ctx.db.insert("log", { text: `left ${String(left)}` });
    if (left > 0) await ctx.scheduler.runAfter(0, target("chain"), { left: left - 1 });
  },
});
const whoMutationRef = makeFunctionReference<"mutation", Record<string, never>, null>(
  "schedule:whoAmIInMutation",
);
export const whoAmI = internalAction({
  args: {},
  handler: async (ctx) => {
    await ctx.runMutation(whoMutationRef, {});
  },
});
export const whoAmIInMutation = internalMutation({
  args: {},
  handler: async (ctx) => {
    const { scheduledFunctionId, ip, userAgent } = await ctx.meta.getRequestMetadata();
    await ctx.db.insert("log", { text: JSON.stringify([scheduledFunctionId, ip, userAgent]) });
    return null;
  },
});

export const job = query({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => await ctx.db.system.get("_scheduled_functions", id),
});
export const jobs = internalQuery({
  args: {},
  handler: async (ctx) => await ctx.db.system.query("_scheduled_functions").collect(),
});
/** How many jobs are running or due by now. */
export const due = internalQuery({
  args: { by: v.number() },
  handler: async (ctx, { by }) => {
    const all = await ctx.db.system.query("_scheduled_functions").order("desc").take(100);
    return all.filter(
      ({ state, scheduledTime }) =>
        state.kind === "inProgress" || (state.kind === "pending" && scheduledTime <= by),
    ).length;
  },
});
/** What a mutation sees of the job it has just scheduled. */
export const seeOwnJob = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.scheduler.runAfter(3_600_000, recordRef, { text: "later" });
    const doc = await ctx.db.system.get("_scheduled_functions", id);
    const normal = ctx.db.system.normalizeId("_scheduled_functions", id);
    await ctx.scheduler.cancel(id);
    return { state: doc?.state, same: normal === id };
  },
});
export const log = query({
  args: {},
  handler: async (ctx) => (await ctx.db.query("log").collect()).map(({ text }) => text),
});
