import { defineTable } from "convex/server";
import { v } from "convex/values";

/** `TextSigns` of kit/textSigns.ts. */
export const textSigns = v.object({
  utf8: v.number(),
  invalid: v.number(),
  windows1252: v.number(),
  macRoman: v.number(),
});

export const kitTables = {
  /**
   * Token buckets. Written by kit/limits.ts with every request; those of addresses are deleted by
   * maintenance.ts after a day, those of keys stay, because they say when the key was last used.
   */
  rateLimits: defineTable({
    /** Who: `key:<id>`, `keys:<organization's id>`, `user:<id>`, `ip:<address>`. */
    subject: v.string(),
    isAddress: v.boolean(),
    shard: v.number(),
    tokens: v.number(),
    updatedAt: v.number(),
    /** Of a key: what it has drawn already of the bucket of all keys, and not used. */
    drawnAhead: v.optional(v.number()),
  })
    .index("by_subject", ["subject", "shard"])
    .index("by_updatedAt", ["isAddress", "updatedAt"]),

  /** One row: when `/health/ready` last wrote to see whether that can be done (kit/http/health.ts). */
  writeProbes: defineTable({ at: v.number() }),

  /**
   * First answers to requests with an Idempotency-Key. Written by kit/idempotency.ts in the
   * transaction of the change; deleted by maintenance.ts when they expire.
   */
  idempotencyRecords: defineTable({
    /** Absent where a person called who acts for no organization. */
    organizationId: v.optional(v.id("organizations")),
    caller: v.string(),
    key: v.string(),
    /** SHA-256 of method, path and body. */
    fingerprint: v.string(),
    /** The first answer's JSON text. */
    reply: v.string(),
    expiresAt: v.number(),
  })
    .index("by_key", ["organizationId", "caller", "key"])
    .index("by_expiresAt", ["expiresAt"]),

  /**
   * Bodies that are not JSON. Written by kit/uploads.ts before the request's own transaction, which
   * claims one (an import then reads its pieces and deletes them); what nobody claims is deleted by
   * crmMaintenance.ts after an hour.
   */
  uploads: defineTable({
    organizationId: v.id("organizations"),
    caller: v.string(),
    mediaType: v.string(),
    charset: v.union(v.string(), v.null()),
    size: v.number(),
    pieces: v.number(),
    /** What its bytes tell of its encoding (kit/textSigns.ts). */
    signs: v.optional(textSigns),
    /** Of bodies staged before there were `signs`. */
    isUtf8: v.optional(v.boolean()),
    isClaimed: v.boolean(),
    createdAt: v.number(),
  }).index("by_createdAt", ["isClaimed", "createdAt"]),

  /** The bytes of uploads, 64 KiB each but the last. Written and deleted with them. */
  uploadPieces: defineTable({
    uploadId: v.id("uploads"),
    index: v.number(),
    bytes: v.bytes(),
  }).index("by_upload", ["uploadId", "index"]),
};
