import { defineTable } from "convex/server";
import { v } from "convex/values";

export const favoriteTables = {
  /**
   * The projects that a member of staff has marked for themselves.
   * Written, read and deleted by projects/favorites.ts; one whose project is no longer seen is shown to
   * nobody, and makes room where there are as many as there may be.
   */
  favorites: defineTable({
    organizationId: v.id("organizations"),
    userId: v.id("users"),
    projectId: v.id("objects"),
    favoritedAt: v.number(),
  })
    .index("by_user", ["organizationId", "userId", "favoritedAt"])
    .index("by_user_and_project", ["organizationId", "userId", "projectId"]),

  /**
   * A project's tags, with what a project's record does not say of them: their colours.
   * Written, read and deleted by projects/tags.ts, which keeps the project's `tags` in step.
   */
  projectTags: defineTable({
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    name: v.string(),
    color: v.optional(v.string()),
    createdAt: v.number(),
  }).index("by_project", ["organizationId", "projectId", "createdAt"]),
};
