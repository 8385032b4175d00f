import { v, type Infer, type ObjectType, type Value } from "convex/values";
import {
  paginationOptsValidator,
  queryGeneric,
  type DocumentByName,
  type IndexRange,
  type WithoutSystemFields,
} from "convex/server";
import { mutation, query, type DataModel, type Reader } from "./builders";
import { filters } from "./filters";
import { rowFields } from "./schema";

/** A bound without `value` is a bound on undefined, which arguments cannot carry. */
const bound = v.object({
  op: v.union(
    v.literal("eq"),
    v.literal("gt"),
    v.literal("gte"),
    v.literal("lt"),
    v.literal("lte"),
  ),
  field: v.string(),
  value: v.optional(v.any()),
});
const order = v.union(v.literal("asc"), v.literal("desc"));
const readFields = {
  index: v.optional(v.string()),
  bounds: v.optional(v.array(bound)),
  order: v.optional(order),
  filter: v.optional(v.string()),
};

type Bounds = IndexRange & {
  [op in Infer<typeof bound>["op"]]: (field: string, value: Value | undefined) => Bounds;
};

/** Builds the query that the arguments describe, by the untyped side of the query builder. */
function rowsQuery(db: Reader, args: ObjectType<typeof readFields>) {
  const table = db.query("rows");
  const { index } = args;
  const range =
    index === undefined
      ? table
      : table.withIndex(index as "by_a", (q) =>
          (args.bounds ?? []).reduce<Bounds>(
            (chain, { op, field, value }) => chain[op](field, value as Value | undefined),
            q as unknown as Bounds,
          ),
        );
  const ordered = args.order === undefined ? range : range.order(args.order);
  const filter = args.filter;
  if (filter === undefined) return ordered;
  const predicate = Object.entries(filters).find(([name]) => name === filter)?.[1];
  if (predicate === undefined) throw new Error(`no filter ${filter}`);
  return ordered.filter(predicate);
}

type Row = WithoutSystemFields<DocumentByName<DataModel, "rows">>;

const labels = (rows: { label: string }[]) => rows.map((row) => row.label);

export const add = mutation({
  args: { rows: v.array(v.object(rowFields)) },
  handler: async (ctx, { rows }) => {
    const ids = [];
    for (const row of rows) ids.push(await ctx.db.insert("rows", row));
    return ids;
  },
});

export const all = query({
  args: {},
  handler: async (ctx) => await ctx.db.query("rows").collect(),
});

/** The labels of the rows a query finds, in its order. */
export const read = query({
  args: readFields,
  handler: async (ctx, args) => labels(await rowsQuery(ctx.db, args).collect()),
});

export const ids = query({
  args: readFields,
  handler: async (ctx, args) => (await rowsQuery(ctx.db, args).collect()).map((row) => row._id),
});

export const first = query({
  args: readFields,
  handler: async (ctx, args) => (await rowsQuery(ctx.db, args).first())?.label ?? null,
});

export const unique = query({
  args: readFields,
  handler: async (ctx, args) => (await rowsQuery(ctx.db, args).unique())?.label ?? null,
});

export const take = query({
  args: { ...readFields, count: v.number() },
  handler: async (ctx, { count, ...args }) => labels(await rowsQuery(ctx.db, args).take(count)),
});

/** Reads by `for await`, and leaves the loop after the row labelled `until`. */
export const iterate = query({
  args: { ...readFields, until: v.optional(v.string()) },
  handler: async (ctx, { until, ...args }) => {
    const seen = [];
    for await (const row of rowsQuery(ctx.db, args)) {
      seen.push(row.label);
      if (row.label === until) break;
    }
    return seen;
  },
});

/** Reads two queries in turn, row by row. */
export const interleave = query({
  args: {},
  handler: async (ctx) => {
    const up = ctx.db.query("rows").order("asc")[Symbol.asyncIterator]();
    const down = ctx.db.query("rows").order("desc")[Symbol.asyncIterator]();
    const seen: string[] = [];
    for (;;) {
      const [low, high] = [await up.next(), await down.next()];
      if (low.done === true || high.done === true) return seen;
      seen.push(low.value.label + high.value.label);
    }
  },
});

export const page = query({
  args: { ...readFields, paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts, ...args }) => {
    const result = await rowsQuery(ctx.db, args).paginate(paginationOpts);
    return { ...result, page: labels(result.page) };
  },
});

export const logPage = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) => await ctx.db.query("log").paginate(paginationOpts),
});

export const twoPages = query({
  args: {},
  handler: async (ctx) => {
    const opts = { numItems: 1, cursor: null };
    return [
      await ctx.db.query("rows").paginate(opts),
      await ctx.db.query("rows").order("desc").paginate(opts),
    ];
  },
});

/** Inserts a row and reads the first page in one mutation. */
export const addAndPage = mutation({
  args: { label: v.string(), a: v.any(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { label, a, paginationOpts }) => {
    await ctx.db.insert("rows", { label, a: a as Value });
    const result = await ctx.db.query("rows").withIndex("by_a").paginate(paginationOpts);
    return { ...result, page: labels(result.page) };
  },
});

export const get = query({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    const known = ctx.db.normalizeId("rows", id);
    return known === null ? null : await ctx.db.get(known);
  },
});

/** `db.get` with whatever string it is given, of whatever table. */
export const getRaw = queryGeneric({
  args: { id: v.string(), table: v.optional(v.string()) },
  handler: async (ctx, { id, table }): Promise<Value> =>
    (table === undefined
      ? await ctx.db.get(id as Parameters<typeof ctx.db.get>[0])
      : await ctx.db.get(table, id as Parameters<typeof ctx.db.get>[0])) as Value,
});

export const normalize = query({
  args: { table: v.string(), id: v.string() },
  handler: (ctx, { table, id }) => Promise.resolve(ctx.db.normalizeId(table as "rows", id)),
});

export const patch = mutation({
  args: { id: v.id("rows"), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await ctx.db.patch(id, value as Partial<Row>);
    return await ctx.db.get(id);
  },
});

/** Patches the given fields to undefined. */
export const unset = mutation({
  args: { id: v.id("rows"), fields: v.array(v.string()) },
  handler: async (ctx, { id, fields }) => {
    await ctx.db.patch(id, Object.fromEntries(fields.map((field) => [field, undefined])));
    return await ctx.db.get(id);
  },
});

export const replace = mutation({
  args: { id: v.id("rows"), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await ctx.db.replace(id, value as Row);
    return await ctx.db.get(id);
  },
});

export const remove = mutation({
  args: { id: v.id("rows") },
  handler: async (ctx, { id }) => {
    await ctx.db.delete(id);
    return await ctx.db.get(id);
  },
});

/** Deletes every row while iterating over the rows. */
export const removeAll = mutation({
  args: {},
  handler: async (ctx) => {
    for await (const row of ctx.db.query("rows")) await ctx.db.delete(row._id);
    return await ctx.db.query("rows").first();
  },
});

/** Inserts, deletes and moves rows, and reads the index after each step. */
export const churn = mutation({
  args: {},
  handler: async (ctx) => {
    const read = async () => labels(await ctx.db.query("rows").withIndex("by_a").collect());
    const between = async (low: number, high: number) =>
      labels(
        await ctx.db
          .query("rows")
          .withIndex("by_a", (q) => q.gte("a", low).lt("a", high))
          .order("desc")
          .collect(),
      );
    const steps = [await read()];
    const two = await ctx.db.insert("rows", { label: "new2", a: 2 });
    const five = await ctx.db.insert("rows", { label: "new5", a: 5 });
    steps.push(await read(), await between(2, 5));
    await ctx.db.patch(two, { a: 9 });
    steps.push(await read(), await between(2, 5));
    await ctx.db.delete(five);
    steps.push(await read());
    const old = await ctx.db
      .query("rows")
      .withIndex("by_a", (q) => q.eq("a", 3))
      .unique();
    if (old !== null) await ctx.db.replace(old._id, { label: old.label, a: 0 });
    steps.push(await read(), await between(0, 1));
    return steps;
  },
});
