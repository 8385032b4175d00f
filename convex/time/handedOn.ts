import type { MutationCtx } from "../_generated/server";
import type { HandedOn } from "../kit/handedOn";

/**
 * The time of an account that was joined to another is the other's, with a timer that runs; of one that was
 * deleted it stays as it is, because it was worked. Answers whether that was all.
 */
export async function handTimeOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
  most: number,
): Promise<boolean> {
  if (to === null) return true;
  const rows = await ctx.db
    .query("timeEntries")
    .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", from))
    .take(most);
  for (const { _id } of rows) await ctx.db.patch("timeEntries", _id, { userId: to });
  return rows.length < most;
}
