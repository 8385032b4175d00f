import { defineTable } from "convex/server";
import { v } from "convex/values";
import { documentFormat } from "./documentSchemas";
import { jobFields } from "./jobSchemas";

export const outboundChannel = v.union(v.literal("email"), v.literal("whatsapp"));

/**
 * Outbound: queued → sending → sent → delivered, or how it ended (`cancelled`: withdrawn, for what it
 * is about has changed); in the inbox: unread → read.
 */
export const notificationStatus = v.union(
  v.literal("queued"),
  v.literal("sending"),
  v.literal("sent"),
  v.literal("delivered"),
  v.literal("failed"),
  v.literal("bounced"),
  v.literal("cancelled"),
  v.literal("unknown"),
  v.literal("unread"),
  v.literal("read"),
);

export const attachment = v.object({
  objectId: v.id("objects"),
  format: documentFormat,
});

export const sentFile = v.object({
  storageId: v.id("_storage"),
  fileName: v.string(),
  contentType: v.string(),
});

/** An attempt at a message: how many there were before, and under which lease it is made. */
export const attemptArgs = {
  notificationId: v.id("notifications"),
  attempt: v.number(),
  /** Absent in what was scheduled before leases had numbers. */
  lease: v.optional(v.number()),
};

export const messageSender = v.object({ name: v.string(), replyTo: v.optional(v.string()) });

/** Of a round of reminders: which rule, which status of invoices, and after which of them. */
export const reminderPosition = v.object({
  rule: v.number(),
  status: v.number(),
  cursor: v.union(v.string(), v.null()),
  /** The due dates that this rule's pass goes through, from its first page on. */
  range: v.optional(v.object({ from: v.number(), until: v.number() })),
});

export const notificationTables = {
  /**
   * Messages: what goes out to customers by e-mail and WhatsApp, and the inbox of members of staff.
   * Written by delivery/outbox.ts, queue.ts, admission.ts, handout.ts, settling.ts, mailJob.ts and
   * inbox.ts; read by their lists and by the sender; deleted by delivery/retention.ts.
   */
  notifications: defineTable({
    organizationId: v.id("organizations"),
    channel: v.union(outboundChannel, v.literal("in_app")),
    status: notificationStatus,
    /** Whose inbox it lies in; absent for what goes out. */
    userId: v.optional(v.id("users")),
    /** What it is about, and the person that it goes to, or tells a member of. */
    objectId: v.optional(v.id("objects")),
    contactId: v.optional(v.id("objects")),
    /** E-mail address or phone number (E.164). */
    to: v.optional(v.string()),
    template: v.string(),
    language: v.union(v.literal("en"), v.literal("de")),
    /**
     * What the template says, formatted: as the last attempt said it, before the first as it was when
     * it was queued.
     */
    data: v.record(v.string(), v.string()),
    /** The member or the invite that it goes to. */
    membershipId: v.optional(v.id("memberships")),
    /** A link that lets its reader in, sealed, and until when it is good; see delivery/secretLink.ts. */
    secretUrl: v.optional(v.string()),
    secretExpiresAt: v.optional(v.number()),
    attachments: v.array(attachment),
    /** The files of `attachments` and the sender, as the last attempt sent them. */
    files: v.optional(v.array(sentFile)),
    sender: v.optional(messageSender),
    /** How often what it says has changed between attempts: each has a key of its own. */
    revision: v.optional(v.number()),
    /** An attempt may have arrived: one that is repeated under its key sends the very same. */
    mayHaveArrived: v.optional(v.boolean()),
    attempts: v.array(
      v.object({
        at: v.number(),
        provider: v.string(),
        /** Absent while it runs, and for one whose end nobody saw. */
        durationMs: v.optional(v.number()),
        status: v.optional(v.number()),
        error: v.optional(v.string()),
      }),
    ),
    /** Of what goes out: its sending. Queued for ever, it is kept for want of a provider. */
    ...jobFields,
    /** What rows of before say of that; see delivery/mailJob.ts. */
    nextAttemptAt: v.optional(v.number()),
    jobId: v.optional(v.id("_scheduled_functions")),
    interruptions: v.optional(v.number()),
    leasedUntil: v.optional(v.number()),
    providerMessageId: v.optional(v.string()),
    /** Why it is kept or has failed, for a person. */
    reason: v.optional(v.string()),
    /** Why it was withdrawn, for a person. */
    cancelReason: v.optional(v.string()),
    /** The one that this one repeats, by hand. */
    resendOf: v.optional(v.id("notifications")),
    sentAt: v.optional(v.number()),
    deliveredAt: v.optional(v.number()),
    openedAt: v.optional(v.number()),
    complainedAt: v.optional(v.number()),
    readAt: v.optional(v.number()),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_user", ["organizationId", "userId"])
    .index("by_user_status", ["organizationId", "userId", "status"])
    .index("by_channel", ["organizationId", "userId", "channel"])
    .index("by_channel_status", ["organizationId", "userId", "channel", "status"])
    .index("by_object", ["organizationId", "userId", "objectId"])
    .index("by_contact", ["contactId"])
    .index("by_job", ["job.state", "job.at"])
    .index("by_due", ["organizationId", "job.state", "job.at"])
    .index("of_before", ["status", "nextAttemptAt"])
    .index("by_provider_message", ["channel", "providerMessageId"])
    .index("by_secret_expiry", ["secretExpiresAt"])
    .index("by_createdAt", ["createdAt"]),

  /**
   * When an organization's sender wakes next. Written by delivery/queue.ts, one row per organization,
   * never by the request that queues a message.
   */
  senders: defineTable({
    organizationId: v.id("organizations"),
    nextWakeAt: v.number(),
  })
    .index("by_organization", ["organizationId"])
    .index("by_wake", ["nextWakeAt"]),

  /**
   * Addresses that an organization's mail no longer goes to. Written by delivery/suppressions.ts when
   * one bounces for good or its owner complains; read before a message is queued and before it is
   * sent; deleted when a person lifts it, and by delivery/retention.ts when the person is erased.
   */
  suppressions: defineTable({
    organizationId: v.id("organizations"),
    email: v.string(),
    emailKey: v.string(),
    reason: v.union(v.literal("bounced"), v.literal("complained")),
    detail: v.optional(v.string()),
    notificationId: v.optional(v.id("notifications")),
    createdAt: v.number(),
  }).index("by_email", ["organizationId", "emailKey"]),

  /**
   * What a member of staff is told of, and how, where it differs from the default. Written by
   * delivery/notificationSettings.ts; read with every event that staff are told of.
   */
  notificationSettings: defineTable({
    organizationId: v.id("organizations"),
    userId: v.id("users"),
    choices: v.array(v.object({ event: v.string(), in_app: v.boolean(), email: v.boolean() })),
    updatedAt: v.number(),
  }).index("by_user", ["organizationId", "userId"]),

  /**
   * Until which due date a rule has reminded. Written and read by delivery/reminderJobs.ts alone, one
   * row per organization and rule.
   */
  reminderRounds: defineTable({
    organizationId: v.id("organizations"),
    /** After the due date; below zero before it. */
    days: v.number(),
    remindedUpTo: v.number(),
  }).index("by_rule", ["organizationId", "days"]),

  /**
   * Where an organization's hourly round of reminders is: one row of the last. Written by
   * delivery/reminderJobs.ts, which goes on there after any interruption, and reminderKind.ts.
   */
  reminderRuns: defineTable({
    organizationId: v.id("organizations"),
    position: reminderPosition,
    startedAt: v.number(),
    ...jobFields,
  })
    .index("by_organization", ["organizationId"])
    .index("by_job", ["job.state", "job.at"]),
};
