import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";

/** Who is told of comments on an object, and up to when they have read them. */
export type Follow = Doc<"commentFollows">;
export type FollowLevel = NonNullable<Follow["level"]>;

/** Beyond so many nobody more is told, as of what an inbox tells members of. */
export const FOLLOWERS_TOLD = 200;

type Whose = {
  organizationId: Id<"organizations">;
  entityId: Id<"objects">;
  entityType: string;
  userId: Id<"users">;
};

export async function followOf(
  ctx: Pick<QueryCtx, "db">,
  { organizationId, entityId, userId }: Omit<Whose, "entityType">,
): Promise<Follow | null> {
  return await ctx.db
    .query("commentFollows")
    .withIndex("by_entity", (q) =>
      q.eq("organizationId", organizationId).eq("entityId", entityId).eq("userId", userId),
    )
    .unique();
}

/** Whether they are told of every comment: they say so, or wrote one, were mentioned, or hold the task. */
export function isFollowing(
  follow: Follow | null,
  userId: Id<"users">,
  entity: ObjectDoc,
): boolean {
  if (follow?.level !== undefined) return follow.level === "all";
  if (follow?.takesPart) return true;
  return isOfType(entity, "task") && entity.customProperties.assigneeIds.includes(userId);
}

/** Whether they are told when they are mentioned. */
export function hearsMentions(follow: Follow | null): boolean {
  return follow?.level !== "none";
}

/** Everybody who might be: who has a row, and who holds the task. */
export async function candidatesAt(ctx: QueryCtx, entity: ObjectDoc): Promise<Id<"users">[]> {
  const { organizationId, _id: entityId } = entity;
  const rows = await ctx.db
    .query("commentFollows")
    .withIndex("by_entity", (q) => q.eq("organizationId", organizationId).eq("entityId", entityId))
    .take(FOLLOWERS_TOLD);
  const holders = isOfType(entity, "task") ? entity.customProperties.assigneeIds : [];
  return [...rows.map(({ userId }) => userId), ...holders];
}

type Change = Partial<Pick<Follow, "level" | "takesPart" | "readUpTo" | "isUnread" | "latestAt">>;

export async function keepFollow(ctx: MutationCtx, whose: Whose, change: Change): Promise<void> {
  const known = await followOf(ctx, whose);
  if (known) {
    const isSame = Object.entries(change).every(
      ([name, value]) => known[name as keyof Follow] === value,
    );
    if (!isSame) await ctx.db.patch("commentFollows", known._id, change);
    return;
  }
  const begins = { takesPart: false, readUpTo: 0, isUnread: false, latestAt: 0 };
  await ctx.db.insert("commentFollows", { ...whose, ...begins, ...change });
}
