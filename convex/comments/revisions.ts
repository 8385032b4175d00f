import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { ObjectDoc } from "../ontology/registry";

/** So many of a comment's texts of before are kept, the latest of them. */
export const MAX_REVISIONS = 50;

type Revision = Doc<"commentRevisions">;

/** Keeps what a comment says before it is edited. */
export async function keepRevision(
  ctx: MutationCtx,
  { organizationId, _id: commentId, createdAt, customProperties }: ObjectDoc<"comment">,
  replacedAt: number,
): Promise<void> {
  const { body, editedAt: writtenAt = createdAt } = customProperties;
  const revision = { organizationId, commentId, body, writtenAt, replacedAt };
  await ctx.db.insert("commentRevisions", revision);
  const kept = await rowsOf(ctx, commentId);
  for (const { _id } of kept.slice(0, -MAX_REVISIONS)) await ctx.db.delete("commentRevisions", _id);
}

/** What it said before, the latest first. */
export async function revisionsOf(
  ctx: QueryCtx,
  { _id }: ObjectDoc<"comment">,
): Promise<Revision[]> {
  return (await rowsOf(ctx, _id)).reverse();
}

export async function forgetRevisions(ctx: MutationCtx, commentId: Id<"objects">): Promise<void> {
  for (const { _id } of await rowsOf(ctx, commentId)) await ctx.db.delete("commentRevisions", _id);
}

async function rowsOf(ctx: QueryCtx, commentId: Id<"objects">): Promise<Revision[]> {
  return await ctx.db
    .query("commentRevisions")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId))
    .take(MAX_REVISIONS + 1);
}
