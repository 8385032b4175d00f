import { defineTable } from "convex/server";
import { v } from "convex/values";
import { jobFields } from "./jobSchemas";

/** Where an attempt of a delivery ended: an HTTP status, or an error where there was no answer. */
export const deliveryAttempt = v.object({
  at: v.number(),
  status: v.optional(v.number()),
  error: v.optional(v.string()),
  durationMs: v.number(),
});

/** Sealed, and until when it signs. */
export const replacedSecret = v.object({ secret: v.string(), until: v.number() });

export const deliveryTables = {
  /**
   * Endpoints that organizations have their events delivered to. Written by delivery/webhooks.ts;
   * read by the API and with every hand-over of events; deleted when their owner deletes them.
   */
  webhooks: defineTable({
    organizationId: v.id("organizations"),
    url: v.string(),
    /** Types of events, or `*`. */
    events: v.array(v.string()),
    projectId: v.optional(v.id("objects")),
    description: v.optional(v.string()),
    /** The next delivery waits until the one before has succeeded or failed for good. */
    ordered: v.boolean(),
    status: v.union(v.literal("active"), v.literal("disabled")),
    disabledAt: v.optional(v.number()),
    disabledReason: v.optional(v.string()),
    /** Sealed, see kit/secretBox.ts. */
    secret: v.string(),
    /** Those that rotations have replaced, the newest first: each signs too until its own end. */
    previousSecrets: v.optional(v.array(replacedSecret)),
    /** As it was kept when only one could overlap; see delivery/webhookSecrets.ts. */
    previousSecret: v.optional(replacedSecret),
    /** Events that were committed later are delivered. */
    sinceTs: v.int64(),
    version: v.number(),
    createdBy: v.string(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_organization", ["organizationId"])
    .index("by_project", ["organizationId", "projectId"]),

  /**
   * When to look at an endpoint's deliveries next, one row per endpoint: what the sender walks, so
   * that the length of one queue costs the others nothing. Written by delivery/webhookQueue.ts.
   */
  webhookQueues: defineTable({
    organizationId: v.id("organizations"),
    webhookId: v.id("webhooks"),
    /** Endpoints whose last attempt failed have a lane of their own, and less room in it. */
    lane: v.union(v.literal("healthy"), v.literal("failing")),
    dueAt: v.number(),
    failingSince: v.optional(v.number()),
  })
    .index("by_webhook", ["webhookId"])
    .index("by_due", ["lane", "dueAt"]),

  /**
   * What is to be delivered or was: a row per event and endpoint. Written by delivery/webhookQueue.ts,
   * webhookClaims.ts, webhookOutcomes.ts and webhookKind.ts; read by `GET /webhooks/:id/deliveries`; deleted by delivery/maintenance.ts
   * after 30 days, and with their endpoint.
   */
  webhookDeliveries: defineTable({
    organizationId: v.id("organizations"),
    webhookId: v.id("webhooks"),
    /** Absent for a test. What is sent is read from the event: its erasure erases it here too. */
    eventId: v.optional(v.id("events")),
    eventType: v.string(),
    status: v.union(
      v.literal("pending"),
      v.literal("sending"),
      v.literal("succeeded"),
      v.literal("failed"),
    ),
    ...jobFields,
    attempts: v.array(deliveryAttempt),
    /** What rows of before say of the job; see delivery/webhookJob.ts. */
    dueAt: v.optional(v.number()),
    sendingSince: v.optional(v.number()),
    leaseUntil: v.optional(v.number()),
    /** The delivery that this one repeats. */
    resendOf: v.optional(v.id("webhookDeliveries")),
    createdAt: v.number(),
    traceId: v.string(),
  })
    .index("by_webhook", ["webhookId"])
    .index("by_status", ["webhookId", "status"])
    .index("by_type", ["webhookId", "eventType"])
    .index("by_status_and_type", ["webhookId", "status", "eventType"])
    .index("by_due", ["webhookId", "status", "job.at"])
    .index("by_job", ["job.state", "job.at"])
    .index("of_before", ["status", "dueAt"])
    .index("by_createdAt", ["createdAt"]),

  /**
   * Whether a sender runs: one row, so that many hand-overs start one. Written and read by
   * delivery/webhookQueue.ts and webhookSending.ts, and only when that changes.
   */
  webhookSenders: defineTable({
    /** Which run of the sender; null when none runs. */
    run: v.union(v.string(), v.null()),
    /** Running while a run has the role; queued for when the next is scheduled. */
    ...jobFields,
    /** What a row of before says of that; see delivery/webhookJob.ts. */
    leaseUntil: v.optional(v.number()),
    wakeAt: v.optional(v.number()),
  }),

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
    /** What two events under one id differ in; absent in rows of before. */
    contentHash: v.optional(v.string()),
    type: v.string(),
    /** The body as it was signed; what is beyond a row's size stands in `incomingEventPieces`. */
    payload: v.string(),
    /** Where the body was no UTF-8: what is no text of it is replaced. */
    isUtf8: v.optional(v.literal(false)),
    /** The organization to whose own address it came: it is theirs, whatever it says. */
    addressedTo: v.optional(v.id("organizations")),
    receivedAt: v.number(),
    /** `failed`: its last attempt did; while its job is queued there will be another. */
    status: v.union(
      v.literal("received"),
      v.literal("applied"),
      v.literal("ignored"),
      v.literal("failed"),
      v.literal("unreadable"),
    ),
    ...jobFields,
    /** What rows of before say of the job; see kit/incomingJob.ts. */
    attempts: v.optional(v.number()),
    nextAttemptAt: v.optional(v.number()),
    error: v.optional(v.string()),
    /** Of what could not be read. */
    path: v.optional(v.string()),
    /** The function that applies it. */
    handler: v.string(),
    /** Whose event it is, as far as its handler could tell; nobody's are in the platform's list. */
    organizationId: v.optional(v.id("organizations")),
  })
    .index("by_event", ["addressedTo", "provider", "eventId", "contentHash"])
    .index("by_organization", ["organizationId"])
    .index("by_provider", ["organizationId", "provider"])
    .index("by_status", ["organizationId", "status"])
    .index("by_provider_and_status", ["organizationId", "provider", "status"])
    .index("by_receivedAt", ["receivedAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * What is beyond a row's size of an incoming event's body. Written by kit/incoming.ts, read by
   * kit/incomingPayload.ts, deleted with the event.
   */
  incomingEventPieces: defineTable({
    eventId: v.id("incomingEvents"),
    index: v.number(),
    text: v.string(),
  }).index("by_event", ["eventId", "index"]),
};
