import { internalMutation } from "./builders";

/** Empties every table, so that each case starts on an empty deployment. */
export const everything = internalMutation({
  args: {},
  handler: async (ctx) => {
    for (const table of ["rows", "typed", "shapes", "stamps", "notes", "log"] as const)
      for (const { _id } of await ctx.db.query(table).collect()) await ctx.db.delete(_id);
  },
});
