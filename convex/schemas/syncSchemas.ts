import { defineTable } from "convex/server";
import { v } from "convex/values";

/** Offline sync: whose devices take part, and what has become of what they sent. */
export const syncTables = {
  /**
   * The devices that members of staff have activated. Written by sync/devices.ts and sync/push.ts;
   * read with every push; a revoked one stays, so that it cannot come back under the same name.
   */
  devices: defineTable({
    organizationId: v.id("organizations"),
    userId: v.id("users"),
    /** The device's own name for itself, such as an installation id. */
    deviceId: v.string(),
    name: v.string(),
    platform: v.string(),
    appVersion: v.string(),
    activatedAt: v.number(),
    lastSeenAt: v.number(),
    lastPushAt: v.optional(v.number()),
    lastPullAt: v.optional(v.number()),
    revokedAt: v.optional(v.number()),
  })
    .index("by_deviceId", ["organizationId", "userId", "deviceId"])
    .index("by_organization", ["organizationId", "lastSeenAt"])
    .index("by_user", ["organizationId", "userId", "lastSeenAt"]),

  /**
   * Objects that are deleted, until sync no longer needs to say so. Written by ontology/store.ts with
   * the delete; taken away with the object by sync/tombstones.ts after 90 days.
   */
  tombstones: defineTable({
    organizationId: v.id("organizations"),
    objectId: v.id("objects"),
    deletedAt: v.number(),
  })
    .index("by_deletedAt", ["deletedAt"])
    .index("by_object", ["objectId"]),

  /**
   * How far an organization's tombstones are gone: a copy that is older cannot know what was deleted
   * since. Written by sync/tombstones.ts when it takes them away; read with every pull.
   */
  syncHorizons: defineTable({
    organizationId: v.id("organizations"),
    /** The commit of the newest tombstone that is gone. */
    commitTs: v.int64(),
  }).index("by_organization", ["organizationId"]),
};
