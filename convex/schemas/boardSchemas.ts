import { defineTable } from "convex/server";
import { v } from "convex/values";

export const boardTables = {
  /**
   * Calendars that other programs read by a secret address: at most one of a user or key in an
   * organization. Written by boards/feeds.ts; read by it when the address is asked for, and only while
   * its holder may still see the organization; deleted when it is taken back.
   */
  calendarFeeds: defineTable({
    organizationId: v.id("organizations"),
    holder: v.union(
      v.object({ kind: v.literal("user"), id: v.id("users") }),
      v.object({ kind: v.literal("api_key"), id: v.id("apiKeys") }),
    ),
    tokenHash: v.string(),
    createdAt: v.number(),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_holder", ["organizationId", "holder.id"]),
};
