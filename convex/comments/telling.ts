import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { tellMember } from "../delivery/inbox";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { candidatesAt, followOf, hearsMentions, isFollowing, keepFollow } from "./follows";
import { readerOf } from "./readers";
import { messageOf, nameOfEntity } from "./words";

/**
 * Tells members of a comment: whom it mentions, and, of a new one, who follows what it is about. Each is
 * judged as they are then; nobody is told of one comment twice, but for who was told as a follower and is
 * mentioned by an edit. In batches, by the order of ids.
 */
const AT_ONCE = 50;

export const tell = internalMutation({
  args: {
    commentId: v.id("objects"),
    /** Whether it is new; an edit is told to whom it mentions alone. */
    isNew: v.boolean(),
    after: v.string(),
  },
  returns: v.null(),
  handler: async (ctx, { commentId, isNew, after }) => {
    const comment = await ctx.db.get("objects", commentId);
    if (!comment || !isOfType(comment, "comment") || comment.lifecycle !== "live") return null;
    const { entityId, mentions, author } = comment.customProperties;
    const [entity, organization] = [
      await ctx.db.get("objects", entityId),
      await ctx.db.get("organizations", comment.organizationId),
    ];
    if (!entity || entity.lifecycle === "deleted" || !organization) return null;
    const mentioned = new Set(mentions.map(({ userId }) => userId));
    const followers = isNew ? await candidatesAt(ctx, entity) : [];
    const all = [...new Set([...mentioned, ...followers])].sort();
    const next = all.filter((id) => id > after && id !== author.id);
    const about = { organization, comment, entity };
    for (const userId of next.slice(0, AT_ONCE)) {
      await tellOne(ctx, about, userId, mentioned.has(userId));
    }
    const last = next[AT_ONCE - 1];
    if (last !== undefined && next.length > AT_ONCE) {
      const rest = { commentId, isNew, after: last };
      await ctx.scheduler.runAfter(0, internal.comments.telling.tell, rest);
    }
    return null;
  },
});

type About = {
  organization: Doc<"organizations">;
  comment: ObjectDoc<"comment">;
  entity: ObjectDoc;
};

async function tellOne(
  ctx: MutationCtx,
  { organization, comment, entity }: About,
  userId: Id<"users">,
  isMentioned: boolean,
): Promise<void> {
  const { organizationId, _id: commentId, createdAt } = comment;
  const { projectId, entityType, authorContactId } = comment.customProperties;
  const membership = await readerOf(ctx, organizationId, userId, projectId);
  if (!membership) return;
  const whose = { organizationId, entityId: entity._id, entityType, userId };
  const follow = await followOf(ctx, whose);
  const reason = isMentioned && hearsMentions(follow) ? "mentioned" : "followed";
  if (reason === "followed" && !isFollowing(follow, userId, entity)) return;
  // Who came to it later has read what was there.
  if (reason === "followed" && createdAt < (follow?.readUpTo ?? 0)) return;
  if (!(await isNews(ctx, comment, userId, reason))) return;
  const unread = createdAt > (follow?.readUpTo ?? 0) ? { isUnread: true, latestAt: createdAt } : {};
  await keepFollow(ctx, whose, { ...unread, ...(isMentioned ? { takesPart: true } : {}) });
  await tellMember(
    ctx,
    organization,
    { membershipId: membership._id, userId },
    {
      event: reason === "mentioned" ? "comment.mentioned" : "comment.followed",
      objectId: commentId,
      contactId: authorContactId ?? (entity.type === "crm_contact" ? entity._id : undefined),
      name: nameOfEntity(entity),
      message: messageOf(comment),
    },
  );
}

/** Notes that they are told; false where they were, for no less a reason. */
async function isNews(
  ctx: MutationCtx,
  { organizationId, _id: commentId }: ObjectDoc<"comment">,
  userId: Id<"users">,
  reason: "mentioned" | "followed",
): Promise<boolean> {
  const told = await ctx.db
    .query("commentTold")
    .withIndex("by_comment", (q) => q.eq("commentId", commentId).eq("userId", userId))
    .unique();
  if (told && (told.reason === reason || told.reason === "mentioned")) return false;
  const now = { reason, at: Date.now() };
  if (told) await ctx.db.patch("commentTold", told._id, now);
  else await ctx.db.insert("commentTold", { organizationId, commentId, userId, ...now });
  return true;
}
