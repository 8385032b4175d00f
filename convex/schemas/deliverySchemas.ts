import { defineTable } from "convex/server";
import { v } from "convex/values";

export const deliveryTables = {
  /**
   * How far an organization's events have been handed to those who follow them. Written and read by
   * delivery/dispatcher.ts alone, one row per organization, so that no write of a request meets here.
   */
  eventCursors: defineTable({
    organizationId: v.id("organizations"),
    /** The last event that was handed on: all of one transaction share `commitTs`. */
    commitTs: v.int64(),
    creationTime: v.number(),
  }).index("by_organization", ["organizationId"]),

  /**
   * Signed webhooks that providers sent us, each once. Written by kit/incoming.ts; read by it before
   * another of the same id is taken, and by `GET /webhooks/incoming`; deleted by
   * delivery/maintenance.ts after 90 days.
   */
  incomingEvents: defineTable({
    /** `stripe`, `resend`: with `eventId` it is unique. */
    provider: v.string(),
    /** The provider's own id of the event; where it has none, the SHA-256 of the body. */
    eventId: v.string(),
    type: v.string(),
    /** The body as it was signed. */
    payload: v.string(),
    receivedAt: v.number(),
    /** `failed`: its last attempt did; while `nextAttemptAt` is set there will be another. */
    status: v.union(
      v.literal("received"),
      v.literal("applied"),
      v.literal("ignored"),
      v.literal("failed"),
    ),
    attempts: v.number(),
    nextAttemptAt: v.optional(v.number()),
    error: v.optional(v.string()),
    /** The function that applies it. */
    handler: v.string(),
    /** Whose event it is, as far as its handler could tell. */
    organizationId: v.optional(v.id("organizations")),
  })
    .index("by_event", ["provider", "eventId"])
    .index("by_organization", ["organizationId", "receivedAt"])
    .index("by_receivedAt", ["receivedAt"]),
};
