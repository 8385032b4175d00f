import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/** A person's place in an organization, of whatever status: there is one at most. */
export async function membershipOf(
  ctx: Pick<QueryCtx, "db">,
  userId: Id<"users">,
  organizationId: Id<"organizations">,
): Promise<Doc<"memberships"> | null> {
  return await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("organizationId", organizationId))
    .unique();
}
