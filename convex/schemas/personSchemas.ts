import { defineTable } from "convex/server";
import { v } from "convex/values";
import { jobFields } from "./jobSchemas";

export const personTables = {
  /**
   * What a person has asked to be given of everything that is held of them, as one file. Written and
   * read by accounts/dataExport.ts and exportJobs.ts; deleted with its file a day later, or with the account.
   */
  profileExports: defineTable({
    userId: v.id("users"),
    ...jobFields,
    log: v.array(v.object({ at: v.number(), text: v.string() })),
    startedAt: v.optional(v.number()),
    /** The file in the deployment's own storage, and under which secret its links are signed (sealed). */
    storageId: v.optional(v.id("_storage")),
    linkSecret: v.string(),
    size: v.optional(v.number()),
    /** Hex. */
    sha256: v.optional(v.string()),
    createdAt: v.number(),
    expiresAt: v.number(),
  })
    .index("by_user", ["userId", "createdAt"])
    .index("by_storageId", ["storageId"])
    .index("by_expiresAt", ["expiresAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * What is left to do after an account was deleted, or joined with another: its inbox, settings, devices,
   * sessions and letters. Written by accounts/removals.ts and removalJobs.ts; stays, with ids alone, as the
   * note of it.
   */
  accountRemovals: defineTable({
    userId: v.id("users"),
    /** Whose they are from now on, of one that was joined. */
    mergedInto: v.optional(v.id("users")),
    /** Where something of theirs may still be. */
    organizationIds: v.array(v.id("organizations")),
    ...jobFields,
    createdAt: v.number(),
  })
    .index("by_user", ["userId"])
    .index("by_job", ["job.state", "job.at"]),
};
