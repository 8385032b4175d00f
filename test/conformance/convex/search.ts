import { v } from "convex/values";
import { paginationOptsValidator } from "convex/server";
import { mutation, query } from "./builders";

const fields = {
  label: v.string(),
  body: v.string(),
  kind: v.optional(v.string()),
  done: v.optional(v.boolean()),
};

export const add = mutation({
  args: { notes: v.array(v.object(fields)) },
  handler: async (ctx, { notes }) => {
    const ids = [];
    for (const note of notes) ids.push(await ctx.db.insert("notes", note));
    return ids;
  },
});
export const rewrite = mutation({
  args: { id: v.id("notes"), body: v.optional(v.string()), kind: v.optional(v.string()) },
  handler: async (ctx, { id, ...fields }) => {
    await ctx.db.patch(id, fields);
  },
});
export const remove = mutation({
  args: { id: v.id("notes") },
  handler: async (ctx, { id }) => {
    await ctx.db.delete(id);
  },
});

/** The labels of the notes found, sorted: relevance is not this suite's subject. */
export const find = query({
  args: { text: v.string(), kind: v.optional(v.string()), done: v.optional(v.boolean()) },
  handler: async (ctx, { text, kind, done }) => {
    const found = await ctx.db
      .query("notes")
      .withSearchIndex("search_body", (q) => {
        const search = q.search("body", text);
        const byKind = kind === undefined ? search : search.eq("kind", kind);
        return done === undefined ? byKind : byKind.eq("done", done);
      })
      .collect();
    return found.map(({ label }) => label).sort();
  },
});
/** The labels of the notes found, by relevance. */
export const ranked = query({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const found = await ctx.db
      .query("notes")
      .withSearchIndex("search_body", (q) => q.search("body", text))
      .collect();
    return found.map(({ label }) => label);
  },
});
export const findWithoutKind = query({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const found = await ctx.db
      .query("notes")
      .withSearchIndex("search_body", (q) => q.search("body", text).eq("kind", undefined))
      .collect();
    return found.map(({ label }) => label).sort();
  },
});
export const take = query({
  args: { text: v.string(), count: v.number() },
  handler: async (ctx, { text, count }) =>
    (
      await ctx.db
        .query("notes")
        .withSearchIndex("search_body", (q) => q.search("body", text))
        .take(count)
    ).length,
});
export const filtered = query({
  args: { text: v.string(), label: v.string() },
  handler: async (ctx, { text, label }) => {
    const found = await ctx.db
      .query("notes")
      .withSearchIndex("search_body", (q) => q.search("body", text))
      .filter((q) => q.neq(q.field("label"), label))
      .collect();
    return found.map((note) => note.label).sort();
  },
});
export const page = query({
  args: { text: v.string(), paginationOpts: paginationOptsValidator },
  handler: async (ctx, { text, paginationOpts }) => {
    const result = await ctx.db
      .query("notes")
      .withSearchIndex("search_body", (q) => q.search("body", text))
      .paginate(paginationOpts);
    return { ...result, page: result.page.map(({ label }) => label) };
  },
});
/** Searches for notes that the same mutation has inserted, changed and deleted. */
export const addAndFind = mutation({
  args: {},
  handler: async (ctx) => {
    const find = async (text: string) =>
      (
        await ctx.db
          .query("notes")
          .withSearchIndex("search_body", (q) => q.search("body", text))
          .collect()
      ).length;
    const id = await ctx.db.insert("notes", { label: "own", body: "harpsichord tuning" });
    const found = [await find("harpsichord")];
    await ctx.db.patch(id, { body: "violin tuning" });
    found.push(await find("harpsichord"), await find("violin"));
    await ctx.db.delete(id);
    found.push(await find("violin"));
    return found;
  },
});
