import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { findOwn } from "../kit/own";
import type { ObjectDoc } from "../ontology/registry";
import { followOf, hearsMentions, isFollowing } from "./follows";
import { readerOf } from "./readers";

/** Why a mail of a comment is for its reader no more; null while it is: asked when it is about to go out. */
export async function whyNoConcern(
  ctx: Pick<QueryCtx, "db">,
  comment: ObjectDoc<"comment">,
  userId: Id<"users">,
): Promise<string | null> {
  const { organizationId, customProperties } = comment;
  const { entityId, parentId, projectId, mentions } = customProperties;
  const entity = await findOwn(ctx, comment, "objects", entityId);
  const parent = parentId && (await findOwn(ctx, comment, "objects", parentId));
  if (!entity || entity.lifecycle === "deleted" || parent?.lifecycle === "deleted") {
    return "What it is about was deleted.";
  }
  const reader = await readerOf(ctx, organizationId, userId, projectId);
  if (!reader) return "Its reader does not see the comment any more.";
  const follow = await followOf(ctx, { organizationId, entityId, userId });
  const isMentioned = mentions.some((mention) => mention.userId === userId);
  if (isMentioned && hearsMentions(follow)) return null;
  if (isFollowing(follow, userId, entity)) return null;
  return "Its reader is not mentioned and does not follow it any more.";
}
