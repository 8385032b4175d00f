import { defineTable } from "convex/server";
import { v } from "convex/values";
import { actor } from "./ontologySchemas";

const winner = v.union(v.literal("client"), v.literal("server"));

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
   * What devices call the objects that they have made. Written by sync/apply.ts with the object; read
   * with every push that names one; taken away with its tombstone.
   */
  clientIds: defineTable({
    organizationId: v.id("organizations"),
    clientId: v.string(),
    objectId: v.id("objects"),
  })
    .index("by_clientId", ["organizationId", "clientId"])
    .index("by_object", ["objectId"]),

  /**
   * The changes that have been decided, so that one which comes again is answered as it was. Written
   * by sync/apply.ts in the transaction of the change; deleted by sync/tombstones.ts after 90 days.
   */
  syncedChanges: defineTable({
    organizationId: v.id("organizations"),
    device: v.string(),
    changeId: v.string(),
    objectId: v.id("objects"),
    version: v.number(),
    winner: v.optional(winner),
    conflictId: v.optional(v.id("conflictLogs")),
    decidedAt: v.number(),
  })
    .index("by_changeId", ["device", "changeId"])
    .index("by_decidedAt", ["decidedAt"]),

  /**
   * Where two wrote the same object without knowing of each other: both versions whole, so that
   * nothing is lost. Written by sync/conflicts.ts in the transaction of the change; blanked when the
   * person is erased; deleted by sync/tombstones.ts with the object.
   */
  conflictLogs: defineTable({
    organizationId: v.id("organizations"),
    objectId: v.id("objects"),
    objectType: v.string(),
    device: v.string(),
    changeId: v.string(),
    /** Who pushed it. */
    actor,
    at: v.number(),
    winner,
    /** JSON text (a caller's keys may be any Unicode) of a `ConflictVersion`. */
    server: v.string(),
    client: v.string(),
    fields: v.array(v.string()),
    baseVersion: v.optional(v.number()),
    clientUpdatedAt: v.number(),
    /** The object's version once the change was decided. */
    version: v.number(),
    resolvedAt: v.optional(v.number()),
    resolution: v.optional(v.union(v.literal("server"), v.literal("client"), v.literal("fields"))),
  })
    .index("by_at", ["organizationId", "at"])
    .index("by_state", ["organizationId", "resolvedAt", "at"])
    .index("by_object", ["objectId"]),

  /** What devices have pushed, counted. Written by sync/push.ts; deleted after 30 days. */
  syncLogs: defineTable({
    organizationId: v.id("organizations"),
    device: v.string(),
    actor,
    at: v.number(),
    changes: v.number(),
    applied: v.number(),
    conflicts: v.number(),
    refused: v.number(),
    duplicates: v.number(),
    /** What it read of the database's allowance of 4,096. */
    indexRanges: v.number(),
    traceId: v.string(),
  })
    .index("by_device", ["organizationId", "device", "at"])
    .index("by_at", ["at"]),

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
