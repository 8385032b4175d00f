import { defineTable } from "convex/server";
import { v } from "convex/values";

export const portalTables = {
  /**
   * Sign-ins of portal users. Written by ontology/portalSessions.ts; read by kit/portalCaller.ts with
   * every call of a portal user; deleted by the scheduled mutation that was set with `expiresAt`.
   */
  frontendSessions: defineTable({
    organizationId: v.id("organizations"),
    userId: v.id("objects"),
    tokenHash: v.string(),
    /** The API key, or `system`, that signed the user in. */
    createdBy: v.string(),
    createdAt: v.number(),
    expiresAt: v.number(),
    revokedAt: v.optional(v.number()),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_user", ["userId", "revokedAt"])
    .index("by_organization", ["organizationId", "revokedAt"]),

  /** Last numbers of gapless series. Written by ontology/serials.ts; never deleted. */
  serials: defineTable({
    organizationId: v.id("organizations"),
    /** `project:2026`. */
    series: v.string(),
    last: v.number(),
  }).index("by_series", ["organizationId", "series"]),
};
