import { defineTable } from "convex/server";
import { v } from "convex/values";

export const projectRole = v.union(v.literal("lead"), v.literal("member"), v.literal("observer"));

export const teamTables = {
  /**
   * Who works on a project, as what. `invited`: they were invited to organization and project at once,
   * and `inviteId` is that invite. `left`: what sync tells the devices that had the project to forget.
   * Written by team/; read where a member's sight is judged (ontology/sight.ts); deleted with the
   * project's tombstone (sync/tombstones.ts).
   */
  projectMembers: defineTable({
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    userId: v.optional(v.id("users")),
    inviteId: v.optional(v.id("memberships")),
    role: projectRole,
    status: v.union(v.literal("active"), v.literal("invited"), v.literal("left")),
    /** Whether the project is its team's alone: so many may one person be in. */
    isOfTeam: v.boolean(),
    /** In the organization's currency, smallest unit. */
    hourlyRateInCents: v.optional(v.number()),
    joinedAt: v.optional(v.number()),
    leftAt: v.optional(v.number()),
    createdAt: v.number(),
  })
    .index("by_project", ["organizationId", "projectId", "status"])
    .index("by_user", ["organizationId", "userId", "status", "isOfTeam"])
    .index("by_person", ["projectId", "userId"])
    .index("by_invite", ["inviteId"]),

  /**
   * The projects that not everybody in the organization sees, and no others: who has none pays one
   * empty range. Written by team/sightRows.ts; read by ontology/sight.ts; deleted when a project is
   * everybody's again, or with its tombstone.
   */
  projectSight: defineTable({
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    /** `visibility` is `team`. */
    isTeam: v.boolean(),
    /** Deleted, while a job still removes what belongs to it: nobody sees that any more. */
    isRemoved: v.boolean(),
    /** When it became its team's alone; absent of one that never was everybody's. */
    openUntil: v.optional(v.number()),
  })
    .index("by_project", ["organizationId", "projectId"])
    .index("by_removed", ["organizationId", "isRemoved"]),
};
