import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/**
 * The time of an account that was joined to another is the other's, with a timer that runs, also in
 * organizations that it had left. That of one that was deleted stays as it is, because it was worked.
 * Answers whether that was all.
 */
export async function handTimeOn(
  ctx: MutationCtx,
  { from, to }: { from: Id<"users">; to: Id<"users"> },
  most: number,
): Promise<boolean> {
  const rows = await ctx.db
    .query("timeEntries")
    .withIndex("by_person", (q) => q.eq("userId", from))
    .take(most);
  for (const { _id } of rows) await ctx.db.patch("timeEntries", _id, { userId: to });
  return rows.length < most;
}
