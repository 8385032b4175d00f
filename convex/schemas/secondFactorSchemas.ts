import { defineTable } from "convex/server";
import { v } from "convex/values";

/** Second factors and passkeys. What a person has of them stands in `users.secondFactors` too. */
export const secondFactorTables = {
  /**
   * A person's authenticator app, one at most. Written and read by accounts/totpSetup.ts; one that was
   * begun and not confirmed is deleted by accounts/retention.ts.
   */
  totpSecrets: defineTable({
    userId: v.id("users"),
    /** Base32, sealed: see kit/secretBox.ts. */
    secret: v.string(),
    confirmedAt: v.optional(v.number()),
    /** The time step (RFC 6238, 4.2) of the last code that was taken: none at or before it is. */
    lastStep: v.optional(v.number()),
    createdAt: v.number(),
  })
    .index("by_user", ["userId"])
    .index("by_confirmedAt", ["confirmedAt", "createdAt"]),

  /** What opens an account once its authenticator is lost. Written and read by accounts/recoveryCodes.ts. */
  recoveryCodes: defineTable({
    userId: v.id("users"),
    /** SHA-256: they have 80 random bits. */
    codeHash: v.string(),
    usedAt: v.optional(v.number()),
    createdAt: v.number(),
  }).index("by_user", ["userId", "codeHash"]),

  /**
   * Wrong codes of an account. Written and read by accounts/factorTries.ts; deleted by
   * accounts/retention.ts when they no longer count.
   */
  factorTries: defineTable({
    userId: v.id("users"),
    failures: v.number(),
    since: v.number(),
    lockedUntil: v.optional(v.number()),
  })
    .index("by_user", ["userId"])
    .index("by_since", ["since"]),

  /**
   * WebAuthn credentials. Written and read by accounts/passkeys.ts; a credential is good at the host that
   * it was made for (`rpId`), and is kept when the deployment moves to another.
   */
  passkeys: defineTable({
    userId: v.id("users"),
    /** Of one that came with an account that was joined: whom its authenticator names as its owner. */
    madeFor: v.optional(v.id("users")),
    /** Base64url, as the authenticator made it; the public key is COSE (RFC 9052). */
    credentialId: v.string(),
    publicKey: v.string(),
    /** Grows with each signature, or stays 0: see WebAuthn, 6.1.1. */
    counter: v.number(),
    transports: v.array(v.string()),
    rpId: v.string(),
    name: v.string(),
    backedUp: v.boolean(),
    createdAt: v.number(),
    lastUsedAt: v.optional(v.number()),
  })
    .index("by_credentialId", ["credentialId"])
    .index("by_user", ["userId", "rpId"]),

  /**
   * What a passkey is to sign: five minutes, once. Written and read by accounts/passkeyChallenges.ts;
   * deleted when it is used, and by accounts/retention.ts.
   */
  passkeyChallenges: defineTable({
    challenge: v.string(),
    purpose: v.union(v.literal("register"), v.literal("sign_in"), v.literal("second_factor")),
    /** Absent of a sign-in, which does not say yet whose it is. */
    userId: v.optional(v.id("users")),
    rpId: v.string(),
    expiresAt: v.number(),
  })
    .index("by_challenge", ["challenge"])
    .index("by_user", ["userId"])
    .index("by_expiresAt", ["expiresAt"]),
};
