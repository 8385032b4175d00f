import { makeFunctionReference } from "convex/server";
import { CommitTsPlaceholder, v } from "convex/values";
import { internalMutation, mutation, query } from "./builders";

const enqueueRef = makeFunctionReference<
  "mutation",
  { label: string; stamp: bigint | CommitTsPlaceholder },
  bigint | CommitTsPlaceholder
>("stamps:enqueueWith");

export const add = mutation({
  args: { labels: v.array(v.string()) },
  handler: async (ctx, { labels }) => {
    for (const label of labels) {
      const stamp = ctx.db.vars.commitTs;
      await ctx.db.insert("stamps", { label, stamp, history: [{ at: stamp }] });
    }
  },
});

export const addFixed = mutation({
  args: { label: v.string(), stamp: v.int64() },
  handler: async (ctx, args) => {
    await ctx.db.insert("stamps", args);
  },
});

export const touch = mutation({
  args: { label: v.string() },
  handler: async (ctx, { label }) => {
    for await (const row of ctx.db.query("stamps"))
      if (row.label === label) await ctx.db.patch(row._id, { stamp: ctx.db.vars.commitTs });
  },
});

/** Patches another field of a row stamped in this very mutation. */
export const addThenPatch = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.db.insert("stamps", { label: "draft", stamp: ctx.db.vars.commitTs });
    await ctx.db.patch(id, { label: "final" });
  },
});

function resolved(stamp: bigint | CommitTsPlaceholder): bigint {
  if (stamp instanceof CommitTsPlaceholder) throw new Error("a query met an unresolved timestamp");
  return stamp;
}

export const list = query({
  args: {},
  handler: async (ctx) => {
    const rows = await ctx.db.query("stamps").withIndex("by_stamp").collect();
    return rows.map(({ label, stamp, history }) => ({ label, stamp: resolved(stamp), history }));
  },
});

/** What the writing mutation itself reads of its stamps. */
export const readBack = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.db.insert("stamps", { label: "new", stamp: ctx.db.vars.commitTs });
    const row = await ctx.db.get(id);
    const pending = await ctx.db
      .query("stamps")
      .withIndex("by_stamp", (q) => q.eq("stamp", ctx.db.vars.commitTs))
      .collect();
    const all = await ctx.db.query("stamps").withIndex("by_stamp").collect();
    return {
      placeholder: row?.stamp instanceof CommitTsPlaceholder,
      same: (row?.stamp as unknown) === ctx.db.vars.commitTs,
      pending: pending.map(({ label }) => label),
      all: all.map(({ label }) => label),
    };
  },
});

export const returned = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("stamps", { label: "returned", stamp: ctx.db.vars.commitTs });
    return { stamp: ctx.db.vars.commitTs, list: [ctx.db.vars.commitTs] };
  },
});

export const enqueueWith = internalMutation({
  args: { label: v.string(), stamp: v.commitTs() },
  returns: v.commitTs(),
  handler: async (ctx, { label, stamp }) => {
    await ctx.db.insert("stamps", { label, stamp });
    return stamp;
  },
});

export const enqueueNested = mutation({
  args: {},
  returns: v.commitTs(),
  handler: async (ctx): Promise<bigint | CommitTsPlaceholder> =>
    await ctx.runMutation(enqueueRef, { label: "nested", stamp: ctx.db.vars.commitTs }),
});

export const schedulePlaceholder = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, enqueueRef, { label: "x", stamp: ctx.db.vars.commitTs });
  },
});

export const snapshot = query({
  args: {},
  handler: (ctx) => Promise.resolve(ctx.meta.getSnapshotTs()),
});

/** Everything committed up to the snapshot: the tail that a fold or a dispatcher reads. */
export const upToSnapshot = mutation({
  args: {},
  handler: async (ctx) => {
    const before = ctx.meta.getSnapshotTs();
    await ctx.db.insert("stamps", { label: "own", stamp: ctx.db.vars.commitTs });
    const rows = await ctx.db
      .query("stamps")
      .withIndex("by_stamp", (q) => q.lte("stamp", ctx.meta.getSnapshotTs()))
      .collect();
    return { labels: rows.map(({ label }) => label), fixed: before === ctx.meta.getSnapshotTs() };
  },
});

export const after = query({
  args: { stamp: v.int64() },
  handler: async (ctx, { stamp }) => {
    const rows = await ctx.db
      .query("stamps")
      .withIndex("by_stamp", (q) => q.gt("stamp", stamp))
      .collect();
    return rows.map(({ label }) => label);
  },
});
