import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/** More than anybody founds, and than most are invited to. */
const MAX_SHOWN = 100;

/** The organization that they have belonged to for the longest time. */
export async function oldestOrganization(
  ctx: QueryCtx,
  userId: Id<"users">,
): Promise<Id<"organizations"> | null> {
  const [membership] = await activeMemberships(ctx, userId, 1);
  return membership?.organizationId ?? null;
}

/** The oldest first. */
export async function activeMemberships(
  ctx: QueryCtx,
  userId: Id<"users">,
  most = MAX_SHOWN,
): Promise<Doc<"memberships">[]> {
  return await ctx.db
    .query("memberships")
    .withIndex("by_status", (q) => q.eq("userId", userId).eq("status", "active"))
    .take(most);
}
