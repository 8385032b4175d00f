import { defineTable } from "convex/server";
import { v } from "convex/values";

export const followLevel = v.union(v.literal("all"), v.literal("mentions"), v.literal("none"));

export const commentTables = {
  /**
   * What comments said before they were edited. Written by comments/revisions.ts, which keeps the last of
   * them; deleted with the comment's tombstone, and when the person who wrote it is erased.
   */
  commentRevisions: defineTable({
    organizationId: v.id("organizations"),
    commentId: v.id("objects"),
    body: v.string(),
    /** When it was written, and when something else took its place. */
    writtenAt: v.number(),
    replacedAt: v.number(),
  }).index("by_comment", ["commentId"]),

  /**
   * Who has starred a comment. Written and read by comments/stars.ts; deleted with the comment's tombstone,
   * and handed on or deleted with an account.
   */
  commentStars: defineTable({
    organizationId: v.id("organizations"),
    commentId: v.id("objects"),
    userId: v.id("users"),
    starredAt: v.number(),
  })
    .index("by_comment", ["commentId", "userId"])
    .index("by_user", ["organizationId", "userId"]),

  /**
   * Who was told of a comment, and why: nobody is told of one twice. Written by comments/telling.ts; read
   * there and before a mail of it goes out; deleted with the comment's tombstone.
   */
  commentTold: defineTable({
    organizationId: v.id("organizations"),
    commentId: v.id("objects"),
    userId: v.id("users"),
    reason: v.union(v.literal("mentioned"), v.literal("followed")),
    at: v.number(),
  })
    .index("by_comment", ["commentId", "userId"])
    .index("by_user", ["organizationId", "userId"]),

  /**
   * What a member has to do with the comments on one object: what they want to be told of, whether they take
   * part (they wrote one, or were mentioned), up to when they have read. Written by comments/follows.ts and
   * telling.ts; deleted with the object's tombstone, and handed on or deleted with an account.
   */
  commentFollows: defineTable({
    organizationId: v.id("organizations"),
    entityId: v.id("objects"),
    entityType: v.string(),
    userId: v.id("users"),
    /** As they have chosen; absent where they have not. */
    level: v.optional(followLevel),
    takesPart: v.boolean(),
    readUpTo: v.number(),
    isUnread: v.boolean(),
    /** The last comment that they were told of. */
    latestAt: v.number(),
  })
    .index("by_entity", ["organizationId", "entityId", "userId"])
    .index("by_user", ["organizationId", "userId", "isUnread", "latestAt"]),

  /**
   * Objects whose comments, or comments whose replies, nobody sees: while a job removes them or moves them to
   * another project. Written and deleted by comments/keeping.ts and jobs.ts; read by ontology/sight.ts.
   */
  hiddenComments: defineTable({
    organizationId: v.id("organizations"),
    ownerId: v.id("objects"),
  }).index("by_owner", ["organizationId", "ownerId"]),
};
