import { v, type Value } from "convex/values";
import { mutationGeneric } from "convex/server";
import { action, mutation, query } from "./builders";
import { typedFields } from "./schema";

/** Takes and stores one value of every kind. */
export const store = mutation({
  args: typedFields,
  handler: async (ctx, args) => await ctx.db.get(await ctx.db.insert("typed", args)),
});

type Fields = Record<string, Value>;

/** Inserts without argument validation, so that the table's own validator answers. */
export const insertAny = mutationGeneric({
  args: { table: v.string(), value: v.any() },
  handler: async (ctx, { table, value }) => await ctx.db.insert(table, value as Fields),
});
export const patchAny = mutationGeneric({
  args: { table: v.string(), id: v.string(), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await ctx.db.patch(id as Parameters<typeof ctx.db.patch>[0], value as Fields);
  },
});
export const replaceAny = mutationGeneric({
  args: { table: v.string(), id: v.string(), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await ctx.db.replace(id as Parameters<typeof ctx.db.replace>[0], value as Fields);
  },
});
export const unsetAny = mutationGeneric({
  args: { id: v.string(), field: v.string() },
  handler: async (ctx, { id, field }) => {
    await ctx.db.patch(id as Parameters<typeof ctx.db.patch>[0], { [field]: undefined });
  },
});

export const echo = query({
  args: { value: v.any() },
  handler: (_ctx, { value }): Promise<unknown> => Promise.resolve(value),
});

export const noArgs = query({ args: {}, handler: () => Promise.resolve("ok") });

/** Takes anything: there is no validator. */
export const unvalidated = query((_ctx, args: Record<string, unknown>): Promise<string[]> =>
  Promise.resolve(Object.keys(args)),
);

export const optional = query({
  args: { text: v.optional(v.string()) },
  handler: (_ctx, args) => Promise.resolve("text" in args ? (args.text ?? "undefined") : "absent"),
});

export const union = query({
  args: { value: v.union(v.object({ a: v.number() }), v.array(v.int64()), v.null()) },
  handler: (_ctx, { value }) => Promise.resolve(value),
});

export const row = query({
  args: { id: v.id("rows") },
  handler: async (ctx, { id }) => (await ctx.db.get(id))?.label ?? null,
});

export const returnsText = query({
  args: { value: v.any() },
  returns: v.string(),
  handler: (_ctx, { value }) => Promise.resolve(value as string),
});
export const returnsObject = query({
  args: { value: v.any() },
  returns: v.object({ x: v.number() }),
  handler: (_ctx, { value }) => Promise.resolve(value as { x: number }),
});
export const returnsTextAfterWrite = mutation({
  args: { value: v.any() },
  returns: v.string(),
  handler: async (ctx, { value }) => {
    await ctx.db.insert("rows", { label: "written" });
    return value as string;
  },
});
export const returnsTextAction = action({
  args: { value: v.any() },
  returns: v.string(),
  handler: (_ctx, { value }) => Promise.resolve(value as string),
});
export const returnsNothing = query({ args: {}, handler: () => Promise.resolve(undefined) });
export const returnsMap = query({
  args: {},
  handler: () => Promise.resolve(new Map([["a", 1]])),
});
export const returnsUndefinedInArray = query({
  args: {},
  handler: () => Promise.resolve([1, undefined]),
});
