import { defineTable } from "convex/server";
import { v } from "convex/values";
import { jobFields } from "./jobSchemas";

export const oauthProviderName = v.union(v.literal("microsoft"), v.literal("google"));
export const oauthPurpose = v.union(v.literal("sign_in"), v.literal("connect"));

export const oauthTables = {
  /**
   * Sign-ins that have gone to a provider and are expected back. Written and read by oauth/states.ts; each
   * is used once, within ten minutes; deleted by oauth/retention.ts. Nothing here is of use to who reads
   * it: the state and the browser's secret are kept hashed, and the rest is derived from those.
   */
  oauthStates: defineTable({
    stateHash: v.string(),
    browserHash: v.string(),
    provider: oauthProviderName,
    purpose: oauthPurpose,
    /** Where the browser goes in the end; see oauth/redirects.ts. */
    redirect: v.string(),
    /** As the variables said it then. */
    issuer: v.string(),
    /** What the provider's discovery document said then (RFC 8414), as JSON text. */
    server: v.string(),
    /** Who connects, under which sign-in. */
    userId: v.optional(v.id("users")),
    sessionId: v.optional(v.id("sessions")),
    usedAt: v.optional(v.number()),
    createdAt: v.number(),
    expiresAt: v.number(),
  })
    .index("by_stateHash", ["stateHash"])
    .index("by_expiresAt", ["expiresAt"]),

  /**
   * Who signs in by which account at a provider. Written and read by oauth/accounts.ts; deleted when it is
   * disconnected, or when somebody else proves the address of a user who has not.
   */
  oauthAccounts: defineTable({
    userId: v.id("users"),
    provider: oauthProviderName,
    /** `iss` and `sub` of its ID tokens: together they name one account for good (OpenID Connect Core, 5.7). */
    issuer: v.string(),
    subject: v.string(),
    createdAt: v.number(),
  })
    .index("by_subject", ["issuer", "subject"])
    .index("by_user", ["userId"]),

  /**
   * Mailboxes and calendars that a person has connected. Written and read by oauth/connections.ts,
   * oauth/refreshing.ts and oauth/revocation.ts. As a job: taking a grant back at its provider.
   */
  oauthConnections: defineTable({
    ...jobFields,
    userId: v.id("users"),
    provider: oauthProviderName,
    issuer: v.string(),
    subject: v.string(),
    email: v.optional(v.string()),
    scopes: v.array(v.string()),
    status: v.union(v.literal("active"), v.literal("expired"), v.literal("revoked")),
    /** Encrypted (kit/secretBox.ts); absent where the provider gave none. */
    refreshToken: v.optional(v.string()),
    accessToken: v.optional(v.string()),
    accessExpiresAt: v.optional(v.number()),
    /** Grows with each grant and each token: who writes says which one they had read. */
    grant: v.number(),
    /** Somebody asks for another token until then; one who comes meanwhile waits for it. */
    refreshingUntil: v.optional(v.number()),
    connectedAt: v.number(),
    lastSuccessAt: v.optional(v.number()),
    /** A code of OAuth's or ours, of the last attempt that failed. */
    lastError: v.optional(v.string()),
  })
    .index("by_user", ["userId", "provider"])
    .index("by_account", ["issuer", "subject"])
    .index("by_job", ["job.state", "job.at"]),
};
