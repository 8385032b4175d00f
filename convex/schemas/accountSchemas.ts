import { defineTable } from "convex/server";
import { v } from "convex/values";

/** What a one-time token is for. */
export const oneTimePurpose = v.union(
  v.literal("verify_email"),
  v.literal("change_email"),
  v.literal("reset_password"),
  v.literal("unlock"),
  v.literal("magic_link"),
  v.literal("session_exchange"),
  v.literal("second_factor"),
  v.literal("merge_accounts"),
);

export const accountTables = {
  /**
   * Refresh tokens: each is used once and gives the next of its session. Written and read by
   * accounts/refreshTokens.ts; deleted by accounts/retention.ts when they have expired.
   */
  refreshTokens: defineTable({
    sessionId: v.id("sessions"),
    tokenHash: v.string(),
    usedAt: v.optional(v.number()),
    createdAt: v.number(),
    expiresAt: v.number(),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_expiresAt", ["expiresAt"]),

  /**
   * What was sent to a person, or handed to their browser, to be shown once. Written and read by
   * accounts/oneTimeTokens.ts; deleted by accounts/retention.ts when they have expired.
   */
  oneTimeTokens: defineTable({
    purpose: oneTimePurpose,
    tokenHash: v.string(),
    userId: v.id("users"),
    /** The address that it proves. */
    email: v.optional(v.string()),
    /** The session that hands itself on. */
    sessionId: v.optional(v.id("sessions")),
    /** Of a second factor: what the first one was, and how often it may still be tried. */
    signIn: v.optional(v.string()),
    deviceName: v.optional(v.string()),
    triesLeft: v.optional(v.number()),
    usedAt: v.optional(v.number()),
    createdAt: v.number(),
    expiresAt: v.number(),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_user", ["userId", "purpose"])
    .index("by_expiresAt", ["expiresAt"]),

  /**
   * Wrong passwords of an e-mail, whether anybody has it or not. Written and read by
   * accounts/tries.ts; deleted by accounts/retention.ts when they no longer count.
   */
  passwordTries: defineTable({
    emailKey: v.string(),
    failures: v.number(),
    since: v.number(),
    lockedUntil: v.optional(v.number()),
  })
    .index("by_emailKey", ["emailKey"])
    .index("by_since", ["since"]),

  /**
   * Browsers and devices that a person has signed in from. Written and read by accounts/devices.ts;
   * forgotten when the password changes.
   */
  knownDevices: defineTable({
    userId: v.id("users"),
    /** SHA-256 of what it calls itself. */
    fingerprint: v.string(),
    lastSeenAt: v.number(),
  }).index("by_user", ["userId", "fingerprint"]),
};
