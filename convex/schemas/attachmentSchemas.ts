import { defineTable } from "convex/server";
import { v } from "convex/values";
import { jobFields } from "./jobSchemas";

export const attachmentTables = {
  /**
   * Files that belong to objects. Written by convex/attachments; a row comes with the permission to
   * upload, and goes when its file is gone: on request, with its owner, or a day after an upload that
   * was not completed.
   */
  attachments: defineTable({
    organizationId: v.id("organizations"),
    /** `deleting`: gone for everyone; the bucket is still to be told. */
    status: v.union(v.literal("pending"), v.literal("ready"), v.literal("deleting")),
    place: v.union(v.literal("bucket"), v.literal("deployment"), v.literal("external")),
    ownerId: v.optional(v.id("objects")),
    fileName: v.string(),
    /** As announced when the upload was permitted, and found when it was completed. */
    contentType: v.optional(v.string()),
    size: v.optional(v.number()),
    /** Hex. */
    sha256: v.optional(v.string()),
    /** In the bucket. */
    key: v.optional(v.string()),
    /** In the deployment's own storage: what came through the upload's own URL. */
    storageId: v.optional(v.id("_storage")),
    /** Under which its links are signed, of upload and download; see kit/secretBox.ts. */
    linkSecret: v.optional(v.string()),
    /** Of an external one. */
    url: v.optional(v.string()),
    /** Who may complete it, as kit/caller.ts names callers. */
    uploader: v.string(),
    /** When a pending one is given up. */
    dueAt: v.optional(v.number()),
    /** Of a deleting one: telling the bucket. Rows of before say with `dueAt` when, see bucketKind.ts. */
    ...jobFields,
    attempts: v.optional(v.number()),
    version: v.number(),
    createdBy: v.string(),
    createdAt: v.number(),
    updatedAt: v.number(),
  })
    .index("by_organization", ["organizationId", "status"])
    .index("by_owner", ["organizationId", "ownerId", "status"])
    .index("by_storageId", ["storageId"])
    .index("by_dueAt", ["dueAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * Up to when stored files have been looked through for those that nobody claimed. One row, written
   * by attachments/sweep.ts.
   */
  fileSweeps: defineTable({ sweptTo: v.number() }),
};
