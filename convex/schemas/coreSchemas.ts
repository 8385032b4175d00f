import { defineTable } from "convex/server";
import { v } from "convex/values";
import { storedSettings } from "./settingsSchemas";

export const role = v.union(
  v.literal("owner"),
  v.literal("manager"),
  v.literal("member"),
  v.literal("viewer"),
);

export const tier = v.union(v.literal("free"), v.literal("pro"), v.literal("premium"));

/** How a person can sign in. */
export const signInMethod = v.union(
  v.literal("operator"),
  v.literal("password"),
  v.literal("passkey"),
  v.literal("magic_link"),
  v.literal("one_time_token"),
  v.literal("microsoft"),
  v.literal("google"),
);

export const coreTables = {
  /**
   * The tenants. Written by tenancy.ts and api/v1/organization.ts; read with every request that
   * writes; never deleted by a request.
   */
  organizations: defineTable({
    ...storedSettings.fields,
    tier,
    /** Absent of a live one, also of all that were founded before there were others; see kit/mode.ts. */
    mode: v.optional(v.literal("test")),
    /** The types of events that somebody follows; kept by delivery/webhooks.ts, see following.ts. */
    followedEvents: v.optional(v.array(v.string())),
    /** The rules by which its keys are made; see ontology/rekeying.ts. */
    keyRules: v.optional(v.number()),
    /** Where its phone numbers are dialled, empty for nowhere known: of its address's country. */
    phoneRegion: v.optional(v.string()),
    /** Of one that is an organization at Clerk, see tenants/clerkOrganizations.ts. */
    clerkOrganizationId: v.optional(v.string()),
    version: v.number(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_clerkOrganizationId", ["clerkOrganizationId"])
    .index("by_keyRules", ["keyRules"])
    .index("by_mode", ["mode"]),

  /**
   * The origins of `organizations.allowedOrigins`, for CORS preflights, which carry no credential.
   * Written with the organization's settings; read by kit/cors.ts.
   */
  organizationOrigins: defineTable({
    organizationId: v.id("organizations"),
    origin: v.string(),
  })
    .index("by_origin", ["origin"])
    .index("by_organization", ["organizationId"]),

  /**
   * Staff. Written by tenancy.ts, accounts/, tenants/users.ts and tenants/clerkUsers.ts; read when a
   * session, an access token or a Clerk token calls; never deleted, because memberships and what they
   * did name them.
   */
  users: defineTable({
    name: v.string(),
    /** Only one that is known to be theirs: set up by the operator, or verified. */
    email: v.optional(v.string()),
    emailKey: v.optional(v.string()),
    /** As they registered it, which is not proved yet and reserves nothing: see accounts/addresses.ts. */
    pendingEmail: v.optional(v.string()),
    pendingEmailKey: v.optional(v.string()),
    /** Lower-case: 3 to 30 of a-z 0-9 _ -. */
    username: v.optional(v.string()),
    /** argon2id as a PHC string; bcrypt of before. */
    passwordHash: v.optional(v.string()),
    /** Grows when the password changes, not when it is hashed anew; absent for 0. */
    passwordVersion: v.optional(v.number()),
    /** What a sign-in asks for beside: kept by accounts/secondFactors.ts, as their rows change. */
    secondFactors: v.optional(
      v.array(v.union(v.literal("totp"), v.literal("recovery_code"), v.literal("passkey"))),
    ),
    avatarAttachmentId: v.optional(v.id("attachments")),
    /** BCP 47 and IANA; a person's own, where no organization's counts. */
    locale: v.optional(v.string()),
    timeZone: v.optional(v.string()),
    preferences: v.optional(
      v.object({
        theme: v.union(v.literal("system"), v.literal("light"), v.literal("dark")),
        weekStartsOn: v.number(),
      }),
    ),
    /** The subject of their Clerk tokens. */
    clerkUserId: v.optional(v.string()),
    isPlatformAdmin: v.boolean(),
    createdAt: v.number(),
    /** Since when they have no access: deleted, here or at Clerk, or joined with another account. */
    deletedAt: v.optional(v.number()),
    /** Whose account it was joined with. */
    mergedInto: v.optional(v.id("users")),
  })
    .index("by_emailKey", ["emailKey"])
    .index("by_pendingEmailKey", ["pendingEmailKey"])
    .index("by_username", ["username"])
    .index("by_avatarAttachmentId", ["avatarAttachmentId"])
    .index("by_clerkUserId", ["clerkUserId"]),

  /**
   * Who belongs to which organization, as what; while invited, who it is for instead. Written
   * by tenancy.ts, tenants/members.ts, tenants/invites.ts and tenants/clerkOrganizations.ts; read when
   * a member of staff calls.
   */
  memberships: defineTable({
    userId: v.optional(v.id("users")),
    organizationId: v.id("organizations"),
    role,
    status: v.union(v.literal("active"), v.literal("invited")),
    invite: v.optional(
      v.object({
        email: v.optional(v.string()),
        emailKey: v.optional(v.string()),
        /** Or, of one by username, whom: their address is nobody's here until they have joined. */
        username: v.optional(v.string()),
        inviteeId: v.optional(v.id("users")),
        tokenHash: v.string(),
        expiresAt: v.number(),
        invitedBy: v.string(),
      }),
    ),
    /** As the organization's `requireSecondFactor` says: kept by tenants/secondFactorRule.ts. */
    needsSecondFactor: v.optional(v.boolean()),
    /** Of one who was an owner or manager before: until when they saw every project. */
    sawAllUntil: v.optional(v.number()),
    /** Of one that Clerk has told of. */
    clerkMembershipId: v.optional(v.string()),
    createdAt: v.number(),
  })
    .index("by_clerkMembershipId", ["clerkMembershipId"])
    .index("by_user", ["userId", "organizationId"])
    .index("by_organization_status", ["organizationId", "status"])
    .index("by_invited_email", ["organizationId", "invite.emailKey"])
    .index("by_invited_person", ["organizationId", "invite.inviteeId"])
    .index("by_invite_token", ["invite.tokenHash"])
    .index("by_invitee", ["invite.emailKey", "invite.expiresAt"])
    .index("by_status", ["userId", "status"])
    .index("by_organization", ["organizationId", "role"]),

  /**
   * Sign-ins of staff. Written by accounts/sessions.ts; read by kit/caller.ts; ended by the scheduled
   * mutation that was set with `expiresAt` (a query does not read the clock); deleted by
   * accounts/retention.ts 30 days after their end, with where they came from.
   */
  sessions: defineTable({
    userId: v.id("users"),
    tokenHash: v.string(),
    createdAt: v.number(),
    /** Seven days after it was last used, and never after `endsAt`. */
    expiresAt: v.number(),
    /** Absent of one of before, which ends at `expiresAt`, as the rest of what follows is. */
    endsAt: v.optional(v.number()),
    revokedAt: v.optional(v.number()),
    /** By which way they signed in: the last one, where they have proved themselves again. */
    method: v.optional(signInMethod),
    /** When they last proved who they are: `auth_time` of OpenID Connect. */
    authenticatedAt: v.optional(v.number()),
    /** A second factor was proved, or a passkey that checks its user. */
    isStrong: v.optional(v.boolean()),
    deviceName: v.optional(v.string()),
    userAgent: v.optional(v.string()),
    ip: v.optional(v.string()),
    /** To ten minutes: a row that every request wrote would end the caching of live queries. */
    lastUsedAt: v.optional(v.number()),
    /** The device that was activated under it: revoking that one ends it. */
    deviceId: v.optional(v.id("devices")),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_user", ["userId"])
    .index("by_living", ["userId", "revokedAt"])
    .index("by_revokedAt", ["revokedAt"])
    .index("by_device", ["deviceId"]),

  /**
   * Credentials of integrations. Written by kit/apiKeys.ts; read by kit/caller.ts; ended like
   * sessions. When it was last used stands in `rateLimits`, because this row must stay cacheable.
   */
  apiKeys: defineTable({
    organizationId: v.id("organizations"),
    name: v.string(),
    tokenHash: v.string(),
    prefix: v.string(),
    scopes: v.array(v.string()),
    createdBy: v.string(),
    createdAt: v.number(),
    expiresAt: v.optional(v.number()),
    revokedAt: v.optional(v.number()),
    /** The key that took its place. */
    rotatedTo: v.optional(v.id("apiKeys")),
  })
    .index("by_tokenHash", ["tokenHash"])
    .index("by_organization", ["organizationId", "revokedAt"]),

  /**
   * What Clerk's webhooks have told last of each user, organization and membership. Written and read
   * by tenants/clerkHistory.ts; never deleted, so that nothing deleted comes back.
   */
  clerkObjects: defineTable({
    clerkId: v.string(),
    /** By Clerk's clock. */
    updatedAt: v.optional(v.number()),
    deletedAt: v.optional(v.number()),
    /** Of an organization, which may not be here yet. */
    name: v.optional(v.string()),
  }).index("by_clerkId", ["clerkId"]),

  /**
   * The keys that Clerk signs with, by their ids, as last fetched. Written by kit/clerkKeys.ts, which
   * also reads it: an HTTP action keeps nothing in memory from one request to the next.
   */
  clerkKeys: defineTable({
    issuer: v.string(),
    /** JSON Web Keys as Clerk publishes them (RFC 7517). */
    keys: v.array(v.object({ kid: v.string(), jwk: v.string() })),
    fetchedAt: v.number(),
  }).index("by_issuer", ["issuer"]),
};
