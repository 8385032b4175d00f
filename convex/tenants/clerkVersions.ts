import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";

/**
 * Clerk's webhooks come late, twice and in any order. What is older than what an object was last told
 * of says nothing new, and nothing that comes after its deletion does.
 */
export async function isNews(
  ctx: MutationCtx,
  clerkId: string,
  updatedAt: number,
  isDeleted = false,
): Promise<boolean> {
  const known = await knownVersion(ctx, clerkId);
  if (!known) {
    await ctx.db.insert("clerkVersions", { clerkId, updatedAt, isDeleted });
    return true;
  }
  if (known.isDeleted || (!isDeleted && updatedAt <= known.updatedAt)) return false;
  await ctx.db.patch("clerkVersions", known._id, { updatedAt, isDeleted });
  return true;
}

export async function knownVersion(
  ctx: MutationCtx,
  clerkId: string,
): Promise<Doc<"clerkVersions"> | null> {
  return await ctx.db
    .query("clerkVersions")
    .withIndex("by_clerkId", (q) => q.eq("clerkId", clerkId))
    .unique();
}
