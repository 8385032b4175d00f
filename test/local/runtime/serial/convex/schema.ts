import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

const rows = () =>
  defineTable({ label: v.string(), key: v.number(), n: v.number(), text: v.string() })
    .index("by_key", ["key"])
    .searchIndex("search_text", { searchField: "text" });

export default defineSchema({ left: rows(), right: rows() });
