import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

/** One field of every kind of validator; `typed` holds it, `validation.ts` takes it as arguments. */
export const typedFields = {
  string: v.string(),
  number: v.number(),
  float: v.float64(),
  int: v.int64(),
  boolean: v.boolean(),
  nothing: v.null(),
  bytes: v.bytes(),
  anything: v.any(),
  literal: v.union(v.literal("on"), v.literal(2), v.literal(true)),
  list: v.array(v.string()),
  object: v.object({ x: v.number(), y: v.optional(v.string()) }),
  record: v.record(v.string(), v.number()),
  row: v.optional(v.id("rows")),
  job: v.optional(v.id("_scheduled_functions")),
  mixed: v.optional(v.union(v.string(), v.array(v.number()), v.null())),
};

export const rowFields = {
  label: v.string(),
  a: v.optional(v.any()),
  b: v.optional(v.any()),
  inner: v.optional(v.any()),
};

export default defineSchema({
  /** Rows told apart by their label, with values of any type to order, bound and filter. */
  rows: defineTable(rowFields)
    .index("by_a", ["a"])
    .index("by_a_b", ["a", "b"])
    .index("by_leaf", ["inner.deep.leaf"]),
  typed: defineTable(typedFields),
  shapes: defineTable(
    v.union(
      v.object({ kind: v.literal("circle"), radius: v.number() }),
      v.object({ kind: v.literal("square"), side: v.number() }),
    ),
  ),
  stamps: defineTable({
    label: v.string(),
    stamp: v.commitTs(),
    history: v.optional(v.array(v.object({ at: v.commitTs() }))),
  }).index("by_stamp", ["stamp"]),
  notes: defineTable({
    label: v.string(),
    body: v.string(),
    kind: v.optional(v.string()),
    done: v.optional(v.boolean()),
  }).searchIndex("search_body", { searchField: "body", filterFields: ["kind", "done"] }),
  /** Where scheduled functions and HTTP actions leave their traces. */
  log: defineTable({ text: v.string() }),
});
