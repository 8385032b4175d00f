import { defineTable } from "convex/server";
import { v } from "convex/values";
import { role } from "./coreSchemas";
import { actor } from "./ontologySchemas";

/** Of a part of what an entry says: see audit/digest.ts. */
const digest = v.object({ salt: v.optional(v.string()), sha256: v.string() });

export const auditTables = {
  /**
   * Who changed what. Written by ontology/effects.ts in the transaction of the change, then linked
   * into its organization's chain by audit/sealing.ts; never changed but by the erasure of a person
   * (ontology/history.ts); read by audit/trail.ts and audit/verification.ts; deleted by audit/forgetting.ts
   * ten years after the end of their year.
   */
  auditLogs: defineTable({
    organizationId: v.id("organizations"),
    at: v.number(),
    actor,
    /** Of a member of staff, at that time. */
    role: v.optional(role),
    /** Under which sign-in: absent for an API key, and for who signs in elsewhere. */
    sessionId: v.optional(v.string()),
    action: v.string(),
    objectType: v.string(),
    objectId: v.string(),
    changes: v.array(
      v.object({ field: v.string(), before: v.optional(v.any()), after: v.optional(v.any()) }),
    ),
    traceId: v.string(),
    ip: v.union(v.string(), v.null()),
    userAgent: v.union(v.string(), v.null()),
    /** The device that it came from, as it calls itself. */
    deviceId: v.optional(v.string()),
    /** An entry from before there was a chain gets them as it is sealed. */
    digests: v.optional(v.object({ changes: digest, origin: digest })),
    /**
     * Its place in the chain, from 1, and its link; absent until it is sealed. The place is 0 while
     * the entry of a document that was issued waits for the digests of its files.
     */
    seq: v.optional(v.number()),
    hash: v.optional(v.string()),
    commitTs: v.commitTs(),
  })
    .index("by_commit", ["organizationId", "commitTs"])
    .index("by_object", ["organizationId", "objectId", "commitTs"])
    .index("by_object_and_action", ["organizationId", "objectId", "action", "commitTs"])
    .index("by_object_type", ["organizationId", "objectType", "commitTs"])
    .index("by_actor", ["organizationId", "actor.id", "commitTs"])
    .index("by_action", ["organizationId", "action", "commitTs"])
    .index("by_seq", ["organizationId", "seq", "commitTs"])
    .index("by_seal", ["seq", "commitTs"])
    .index("by_time", ["commitTs"]),

  /**
   * Where each organization's chain of audit entries ends, and where it begins. Written by
   * audit/sealing.ts and audit/forgetting.ts alone; read by the verification.
   */
  auditChains: defineTable({
    organizationId: v.id("organizations"),
    seq: v.number(),
    hash: v.string(),
    /** Of the entry that was sealed last. */
    commitTs: v.int64(),
    /** The place and the link of the last entry that had its ten years: the chain begins after it. */
    forgotten: v.optional(v.object({ seq: v.number(), hash: v.string() })),
  }).index("by_organization", ["organizationId"]),
};
