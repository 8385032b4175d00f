import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { ApiError } from "../kit/errors";
import type { ObjectDoc } from "../ontology/registry";

/** So many people star one comment: they are counted as they are read. */
export const MAX_STARS = 500;

type Member = Extract<Caller, { kind: "user" }>;
type Comment = Pick<ObjectDoc<"comment">, "_id" | "organizationId">;
export type Starred = { isStarred: boolean; starCount: number };

/** Once. @throws CONFLICT for one more than there may be */
export async function addStar(
  ctx: MutationCtx,
  { id: userId }: Member,
  { _id: commentId, organizationId }: Comment,
  starredAt: number,
): Promise<void> {
  const stars = await starsOf(ctx, commentId);
  if (stars.some((star) => star.userId === userId)) return;
  if (stars.length >= MAX_STARS) {
    throw new ApiError("CONFLICT", `A comment has at most ${MAX_STARS} stars.`);
  }
  await ctx.db.insert("commentStars", { organizationId, commentId, userId, starredAt });
}

export async function removeStar(
  ctx: MutationCtx,
  { id }: Member,
  { _id: commentId }: Comment,
): Promise<void> {
  const star = await ctx.db
    .query("commentStars")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId).eq("userId", id))
    .unique();
  if (star) await ctx.db.delete("commentStars", star._id);
}

/** What records say of them, each in its place: no record of another tenant's is among those given. */
export async function starredBy(
  ctx: QueryCtx,
  { kind, id }: Pick<Caller, "kind" | "id">,
  comments: readonly Pick<ObjectDoc, "_id">[],
): Promise<Starred[]> {
  return await Promise.all(
    comments.map(async ({ _id }) => {
      const stars = await starsOf(ctx, _id);
      const isStarred = kind === "user" && stars.some(({ userId }) => userId === id);
      return { isStarred, starCount: stars.length };
    }),
  );
}

async function starsOf(ctx: QueryCtx, commentId: Id<"objects">): Promise<Doc<"commentStars">[]> {
  return await ctx.db
    .query("commentStars")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId))
    .take(MAX_STARS);
}
