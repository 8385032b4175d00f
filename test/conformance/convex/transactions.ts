import { makeFunctionReference } from "convex/server";
import { ConvexError, v } from "convex/values";
import { internalMutation, internalQuery, mutation, query } from "./builders";

const addRef = makeFunctionReference<"mutation", { label: string; fail?: boolean }, string[]>(
  "transactions:addRow",
);
const labelsRef = makeFunctionReference<"query", Record<string, never>, string[]>(
  "transactions:labels",
);
const outerRef = makeFunctionReference<"mutation", { label: string; fail?: boolean }, string[]>(
  "transactions:addTwoNested",
);

export const labels = internalQuery({
  args: {},
  handler: async (ctx) => (await ctx.db.query("rows").collect()).map((row) => row.label),
});

/** Adds a row, and may throw after the write. */
export const addRow = internalMutation({
  args: { label: v.string(), fail: v.optional(v.boolean()) },
  handler: async (ctx, { label, fail }) => {
    await ctx.db.insert("rows", { label });
    if (fail === true) throw new ConvexError({ code: "refused", label, at: [1, 2] });
    return (await ctx.db.query("rows").collect()).map((row) => row.label);
  },
});

export const addThenThrow = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("rows", { label: "lost" });
    await ctx.db.insert("log", { text: "lost" });
    throw new Error("after two writes");
  },
});

/** Catches its own failed write and goes on. */
export const catchOwnFailure = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("rows", { label: "before" });
    try {
      await ctx.db.insert("rows", { label: 1 as unknown as string });
    } catch {
      await ctx.db.insert("rows", { label: "after" });
    }
    return (await ctx.db.query("rows").collect()).map((row) => row.label);
  },
});

export const nestedWrites = mutation({
  args: {},
  handler: async (ctx): Promise<string[][]> => {
    await ctx.db.insert("rows", { label: "outer" });
    const inNested = await ctx.runMutation(addRef, { label: "nested" });
    const here = (await ctx.db.query("rows").collect()).map((row) => row.label);
    const inQuery = await ctx.runQuery(labelsRef, {});
    return [inNested, here, inQuery];
  },
});

/** A nested mutation that fails is undone alone; the outer one sees its data and goes on. */
export const catchNested = mutation({
  args: {},
  handler: async (ctx): Promise<{ data: unknown; labels: string[] }> => {
    await ctx.db.insert("rows", { label: "outer" });
    let data: unknown = null;
    try {
      await ctx.runMutation(addRef, { label: "nested", fail: true });
    } catch (error) {
      if (error instanceof ConvexError) data = error.data;
    }
    await ctx.db.insert("rows", { label: "last" });
    return { data, labels: await ctx.runQuery(labelsRef, {}) };
  },
});

/** The nested mutation succeeds, then the outer one throws. */
export const throwAfterNested = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.runMutation(addRef, { label: "nested" });
    throw new ConvexError("outer");
  },
});

export const addTwoNested = internalMutation({
  args: { label: v.string(), fail: v.optional(v.boolean()) },
  handler: async (ctx, { label, fail }): Promise<string[]> => {
    await ctx.runMutation(addRef, { label: label + "1" });
    return await ctx.runMutation(addRef, { label: label + "2", fail: fail === true });
  },
});

/** Three levels: the middle one is undone with the inner one that had already succeeded. */
export const catchMiddle = mutation({
  args: {},
  handler: async (ctx): Promise<string[]> => {
    await ctx.runMutation(outerRef, { label: "kept" });
    await ctx.runMutation(outerRef, { label: "lost", fail: true }).catch(() => []);
    return await ctx.runQuery(labelsRef, {});
  },
});

/** An update and a deletion in a nested mutation that fails are undone as well. */
export const undoNestedChanges = mutation({
  args: {},
  handler: async (ctx): Promise<{ label: string; a: unknown }[]> => {
    const one = await ctx.db.insert("rows", { label: "one", a: 1 });
    const two = await ctx.db.insert("rows", { label: "two", a: 2 });
    await ctx.runMutation(changeRef, { patch: one, remove: two }).catch(() => null);
    const rows = await ctx.db.query("rows").withIndex("by_a").collect();
    return rows.map(({ label, a }) => ({ label, a: a as unknown }));
  },
});
const changeRef = makeFunctionReference<"mutation", { patch: string; remove: string }, null>(
  "transactions:changeThenThrow",
);
export const changeThenThrow = internalMutation({
  args: { patch: v.id("rows"), remove: v.id("rows") },
  handler: async (ctx, args) => {
    await ctx.db.patch(args.patch, { a: 9 });
    await ctx.db.delete(args.remove);
    throw new Error("undo me");
  },
});

/** A nested query at the state before this mutation, beside one that sees its write. */
export const staleQuery = mutation({
  args: {},
  handler: async (ctx): Promise<string[][]> => {
    await ctx.db.insert("rows", { label: "new" });
    return [
      await ctx.runQuery(labelsRef, {}, { useStaleSnapshot: true }),
      await ctx.runQuery(labelsRef, {}),
    ];
  },
});

/** Iterates, and on each row runs a nested mutation that changes it and fails. */
export const iterateOverFailures = mutation({
  args: {},
  handler: async (ctx): Promise<string[]> => {
    const seen = [];
    for await (const row of ctx.db.query("rows").withIndex("by_a")) {
      await ctx.runMutation(changeRef, { patch: row._id, remove: row._id }).catch(() => null);
      seen.push((await ctx.db.get(row._id))?.label ?? "gone");
    }
    return seen;
  },
});

export const parallelNested = mutation({
  args: {},
  handler: async (ctx): Promise<string[]> => {
    await Promise.all(["x", "y", "z"].map((label) => ctx.runMutation(addRef, { label })));
    return (await ctx.runQuery(labelsRef, {})).sort();
  },
});

export const queryInQuery = query({
  args: {},
  handler: async (ctx): Promise<string[]> => await ctx.runQuery(labelsRef, {}),
});

/** A read-modify-write, to be called many times at once. */
export const increment = mutation({
  args: {},
  handler: async (ctx) => {
    const row = await ctx.db.query("rows").first();
    if (row === null) throw new Error("nothing to count");
    await ctx.db.patch(row._id, { a: Number(row.a) + 1 });
    return Number(row.a) + 1;
  },
});
