import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { HandedOn } from "../kit/handedOn";
import { forgetRevisions } from "./revisions";

/** What is kept beside comments goes with them, and with the accounts whose it is. */
const AT_ONCE = 100;

/** With a comment's tombstone: its texts of before, stars, and who was told. Answers whether that was all. */
export async function forgetComment(ctx: MutationCtx, commentId: Id<"objects">): Promise<boolean> {
  await forgetRevisions(ctx, commentId);
  const stars = await ctx.db
    .query("commentStars")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId))
    .take(AT_ONCE);
  for (const { _id } of stars) await ctx.db.delete("commentStars", _id);
  const told = await ctx.db
    .query("commentTold")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId))
    .take(AT_ONCE);
  for (const { _id } of told) await ctx.db.delete("commentTold", _id);
  return stars.length < AT_ONCE && told.length < AT_ONCE;
}

/** With the tombstone of what was commented on: who followed it. Answers whether that was all. */
export async function forgetFollows(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  entityId: Id<"objects">,
): Promise<boolean> {
  const follows = await ctx.db
    .query("commentFollows")
    .withIndex("by_entity", (q) => q.eq("organizationId", organizationId).eq("entityId", entityId))
    .take(AT_ONCE);
  for (const { _id } of follows) await ctx.db.delete("commentFollows", _id);
  return follows.length < AT_ONCE;
}

/**
 * Of an account that is no more: to the one that it was joined to, where that has none of the same, or to
 * nobody. Up to so many of each; answers whether those were all.
 */
export async function handCommentMarksOn(
  ctx: MutationCtx,
  { organizationId, from, to }: HandedOn,
  most: number,
): Promise<boolean> {
  const tables = [await starsOn(), await toldOn(), await followsOn()];
  return tables.every((count) => count < most);

  async function starsOn(): Promise<number> {
    const rows = await ctx.db
      .query("commentStars")
      .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", from))
      .take(most);
    for (const { _id, commentId } of rows) {
      const own =
        to &&
        (await ctx.db
          .query("commentStars")
          .withIndex("by_comment", (q) => q.eq("commentId", commentId).eq("userId", to))
          .unique());
      if (to && !own) await ctx.db.patch("commentStars", _id, { userId: to });
      else await ctx.db.delete("commentStars", _id);
    }
    return rows.length;
  }

  async function toldOn(): Promise<number> {
    const rows = await ctx.db
      .query("commentTold")
      .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", from))
      .take(most);
    for (const { _id, commentId } of rows) {
      const own =
        to &&
        (await ctx.db
          .query("commentTold")
          .withIndex("by_comment", (q) => q.eq("commentId", commentId).eq("userId", to))
          .unique());
      if (to && !own) await ctx.db.patch("commentTold", _id, { userId: to });
      else await ctx.db.delete("commentTold", _id);
    }
    return rows.length;
  }

  async function followsOn(): Promise<number> {
    const rows = await ctx.db
      .query("commentFollows")
      .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", from))
      .take(most);
    for (const { _id, entityId } of rows) {
      const own =
        to &&
        (await ctx.db
          .query("commentFollows")
          .withIndex("by_entity", (q) =>
            q.eq("organizationId", organizationId).eq("entityId", entityId).eq("userId", to),
          )
          .unique());
      if (to && !own) await ctx.db.patch("commentFollows", _id, { userId: to });
      else await ctx.db.delete("commentFollows", _id);
    }
    return rows.length;
  }
}
