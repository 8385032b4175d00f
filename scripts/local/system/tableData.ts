/** `convex data <table>`: a page of a table, by creation time. */
import { type PaginationResult, paginationOptsValidator, queryGeneric } from "convex/server";
import { v, type Value } from "convex/values";

export default queryGeneric({
  args: {
    table: v.string(),
    order: v.union(v.literal("asc"), v.literal("desc")),
    paginationOpts: paginationOptsValidator,
  },
  handler: async (
    { db },
    { table, order, paginationOpts },
  ): Promise<PaginationResult<Record<string, Value>>> => {
    const isSystem = table.startsWith("_");
    const rows = isSystem ? db.system.query(table as "_storage") : db.query(table);
    return await rows.order(order).paginate(paginationOpts);
  },
});
