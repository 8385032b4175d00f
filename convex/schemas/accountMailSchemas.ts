import { defineTable } from "convex/server";
import { v } from "convex/values";
import { job } from "./jobSchemas";

/** Letters whose link does what they ask for. */
export const linkTemplate = v.union(
  v.literal("verification"),
  v.literal("password_reset"),
  v.literal("magic_link"),
  v.literal("unlock"),
  v.literal("change_email"),
);

/** Letters that say what has happened. */
export const noticeTemplate = v.union(
  v.literal("email_change_notice"),
  v.literal("email_changed"),
  v.literal("password_changed"),
  v.literal("new_device"),
  v.literal("session_reuse"),
  v.literal("second_factor_changed"),
  v.literal("codes_locked"),
  v.literal("account_deleted"),
  v.literal("accounts_joined"),
  v.literal("oauth_connected"),
  v.literal("oauth_expired"),
);

export const secondFactorChange = v.union(
  v.literal("totp_added"),
  v.literal("totp_removed"),
  v.literal("recovery_codes_renewed"),
  v.literal("recovery_code_used"),
  v.literal("passkey_added"),
  v.literal("passkey_removed"),
);

/** What a letter tells, as it happened; it is put into words when the letter is sent. */
export const accountMailData = v.object({
  /** The address that is new, or that of a connected account. */
  email: v.optional(v.string()),
  /** What the browser or program calls itself (`User-Agent`). */
  userAgent: v.optional(v.string()),
  ip: v.optional(v.string()),
  /** When it happened (ms since 1970); a letter that has none was queued as it happened. */
  at: v.optional(v.number()),
  change: v.optional(secondFactorChange),
  provider: v.optional(v.union(v.literal("microsoft"), v.literal("google"))),
});

export const mailProvider = v.union(v.literal("resend"), v.literal("smtp"));

/** Of the person who reads it, and who sends it: read when an attempt begins. */
export const saidInMail = v.object({
  /** Empty where the address is not proved to be theirs. */
  recipient: v.string(),
  timeZone: v.optional(v.string()),
  from: v.object({ name: v.string(), address: v.string() }),
});

/** The messages to people about their accounts. */
export const accountMailTables = {
  /**
   * One row each; how far it is, and why it is no further, says its job. Written by accounts/mail.ts,
   * mailQueue.ts, mailSettling.ts and mailKind.ts; deleted by accounts/mailRetention.ts.
   */
  accountMails: defineTable({
    /** Whose account it is about. */
    userId: v.id("users"),
    to: v.string(),
    template: v.union(linkTemplate, noticeTemplate),
    language: v.union(v.literal("en"), v.literal("de")),
    data: accountMailData,
    /** The link, sealed, and the digest of its token; gone once it is sent or no longer good. */
    secretUrl: v.optional(v.string()),
    tokenHash: v.optional(v.string()),
    /** After it the letter is not sent any more; absent once it has ended. */
    goodUntil: v.optional(v.number()),
    /** As the last attempt said it; one that may have arrived is repeated word for word. */
    said: v.optional(saidInMail),
    /** How often that has changed between attempts: each has a key of its own. */
    revision: v.optional(v.number()),
    mayHaveArrived: v.optional(v.boolean()),
    attempts: v.array(
      v.object({
        lease: v.number(),
        at: v.number(),
        provider: mailProvider,
        /** Absent while it runs, and for one whose end nobody saw. */
        durationMs: v.optional(v.number()),
        status: v.optional(v.number()),
        error: v.optional(v.string()),
      }),
    ),
    job,
    providerMessageId: v.optional(v.string()),
    sentAt: v.optional(v.number()),
    deliveredAt: v.optional(v.number()),
    createdAt: v.number(),
  })
    .index("by_job", ["job.state", "job.at"])
    .index("by_goodUntil", ["goodUntil"])
    .index("by_provider_message", ["providerMessageId"])
    .index("by_createdAt", ["createdAt"])
    .index("by_user", ["userId"]),
};
