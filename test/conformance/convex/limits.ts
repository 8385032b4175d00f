import { makeFunctionReference, mutationGeneric } from "convex/server";
import { v } from "convex/values";
import { internalQuery, mutation, query } from "./builders";

const readRef = makeFunctionReference<"query", Record<string, never>, number>("limits:readAll");

/** `levels` arrays in each other, around nothing. */
function nest(levels: number): unknown {
  return levels === 0 ? 1 : [nest(levels - 1)];
}

export const insertNested = mutation({
  args: { levels: v.number() },
  handler: async (ctx, { levels }) => {
    await ctx.db.insert("rows", { label: "deep", a: nest(levels) });
  },
});
export const insertArray = mutation({
  args: { length: v.number() },
  handler: async (ctx, { length }) => {
    await ctx.db.insert("rows", { label: "long", a: Array<number>(length).fill(0) });
  },
});
export const insertFields = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    const a = Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${String(i)}`, 0]));
    await ctx.db.insert("rows", { label: "wide", a });
  },
});
export const insertText = mutation({
  args: { length: v.number() },
  handler: async (ctx, { length }) => {
    await ctx.db.insert("rows", { label: "big", a: "x".repeat(length) });
  },
});
/** Grows a document by a patch. */
export const growText = mutation({
  args: { id: v.id("rows"), length: v.number() },
  handler: async (ctx, { id, length }) => {
    await ctx.db.patch(id, { b: "x".repeat(length) });
  },
});
/** A field name arrives as an argument's value, so that only the database sees it as a name. */
export const insertField = mutation({
  args: { field: v.string() },
  handler: async (ctx, { field }) => {
    await ctx.db.insert("rows", { label: "named", a: { [field]: 1 } });
  },
});
export const insertTopField = mutationGeneric({
  args: { table: v.string(), field: v.string() },
  handler: async (ctx, { table, field }) => {
    await ctx.db.insert(table, { [field]: 1 });
  },
});
export const insertSurrogate = mutation({
  args: { codeUnits: v.array(v.number()) },
  handler: async (ctx, { codeUnits }) => {
    const id = await ctx.db.insert("rows", { label: String.fromCharCode(...codeUnits) });
    return (await ctx.db.get(id))?.label;
  },
});

export const readRanges = query({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let i = 0; i < count; i++)
      await ctx.db
        .query("rows")
        .withIndex("by_a", (q) => q.eq("a", i * 2))
        .first();
    return count;
  },
});
export const readAll = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.db.query("rows").collect()).length,
});
export const scheduleMany = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    const target = makeFunctionReference<"mutation", { text: string }, null>("schedule:record");
    for (let i = 0; i < count; i++) await ctx.scheduler.runAfter(3_600_000, target, { text: "" });
    throw new Error("no limit met");
  },
});
/** A nested query under its own, lower limit; the outer function goes on after it. */
export const nestedLimit = mutation({
  args: { documentsRead: v.number() },
  handler: async (ctx, limits): Promise<string | number> => {
    try {
      return await ctx.runQuery(readRef, {}, { transactionLimits: limits });
    } catch (error) {
      return String(error);
    }
  },
});

const used = v.union(
  v.literal("get"),
  v.literal("getMissing"),
  v.literal("first"),
  v.literal("collect"),
  v.literal("filter"),
  v.literal("page"),
  v.literal("nested"),
  v.literal("ranges"),
);
/** How much each way of reading counts. */
export const readMetrics = query({
  args: { way: used, id: v.id("rows") },
  handler: async (ctx, { way, id }): Promise<{ documents: number; queries: number }> => {
    switch (way) {
      case "get":
      case "getMissing":
        await ctx.db.get(id);
        break;
      case "first":
        await ctx.db.query("rows").first();
        break;
      case "collect":
        await ctx.db
          .query("rows")
          .withIndex("by_a", (q) => q.gte("a", 2).lt("a", 5))
          .collect();
        break;
      case "filter":
        await ctx.db
          .query("rows")
          .filter((q) => q.eq(q.field("a"), 3))
          .collect();
        break;
      case "page":
        await ctx.db.query("rows").withIndex("by_a").paginate({ numItems: 4, cursor: null });
        break;
      case "nested":
        await ctx.runQuery(readRef, {});
        break;
      case "ranges":
        for (const a of [1, 3, 5])
          await ctx.db
            .query("rows")
            .withIndex("by_a", (q) => q.eq("a", a))
            .first();
        break;
      default:
        way satisfies never;
    }
    const metrics = await ctx.meta.getTransactionMetrics();
    return { documents: metrics.documentsRead.used, queries: metrics.databaseQueries.used };
  },
});

export const writeMetrics = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.db.insert("rows", { label: "x" });
    await ctx.db.patch(id, { label: "y" });
    await ctx.db.insert("rows", { label: "z" });
    const metrics = await ctx.meta.getTransactionMetrics();
    return {
      written: metrics.documentsWritten.used,
      bytes: metrics.bytesWritten.used,
      left: metrics.documentsWritten.used + metrics.documentsWritten.remaining,
    };
  },
});

/** The limits a transaction starts with. */
export const startingLimits = query({
  args: {},
  handler: async (ctx) => {
    const metrics = await ctx.meta.getTransactionMetrics();
    return {
      bytesRead: metrics.bytesRead.remaining,
      bytesWritten: metrics.bytesWritten.remaining,
      databaseQueries: metrics.databaseQueries.remaining,
      documentsRead: metrics.documentsRead.remaining,
      documentsWritten: metrics.documentsWritten.remaining,
      functionsScheduled: metrics.functionsScheduled.remaining,
      scheduledFunctionArgsBytes: metrics.scheduledFunctionArgsBytes.remaining,
    };
  },
});
