import { defineTable } from "convex/server";
import { v } from "convex/values";
import { role } from "./coreSchemas";
import { jobFields } from "./jobSchemas";
import { actor } from "./ontologySchemas";

/** On whose behalf a job writes: what a request's `WriteScope` is, kept until the job has run. */
export const jobScope = v.object({
  organizationId: v.id("organizations"),
  actor,
  traceId: v.string(),
  ip: v.union(v.string(), v.null()),
  userAgent: v.union(v.string(), v.null()),
  role: v.optional(role),
  sessionId: v.optional(v.string()),
  deviceId: v.optional(v.string()),
});

/** What one transaction of an erasure blanked. */
const erasedObjects = {
  objectIds: v.array(v.id("objects")),
  /** Those of them that are portal users: what these did names them. */
  portalUserIds: v.optional(v.array(v.id("objects"))),
};

export const crmTables = {
  /**
   * Imports of contacts. Written by ontology/contactImport.ts, one transaction per hundred rows or
   * so: the position moves with the rows that it has passed, so an import goes on where it was after
   * any interruption. Read by its report; deleted by crmMaintenance.ts after 90 days.
   */
  contactImports: defineTable({
    organizationId: v.id("organizations"),
    status: v.union(v.literal("running"), v.literal("completed"), v.literal("failed")),
    isDryRun: v.boolean(),
    scope: jobScope,
    upload: v.id("uploads"),
    size: v.number(),
    format: v.union(v.literal("csv"), v.literal("vcard")),
    encoding: v.union(
      v.literal("utf-8"),
      v.literal("windows-1252"),
      v.literal("macintosh"),
      v.literal("utf-16le"),
      v.literal("utf-16be"),
    ),
    /** Some of it is UTF-8 all the same: each row is read as what it is. */
    isMixed: v.optional(v.boolean()),
    /** Of a CSV file. */
    layout: v.optional(
      v.object({
        delimiter: v.string(),
        /** Of imports begun before every kind of line end was read in every file. */
        newline: v.optional(v.string()),
        /** What each column means; null for one that is left alone. */
        columns: v.array(v.union(v.string(), v.null())),
        /** SHA-256 of the names, so that a row that repeats them is told from people. */
        header: v.optional(v.string()),
      }),
    ),
    /** Of vCards, the names of properties that are not kept. */
    ignoredColumns: v.array(v.string()),
    /** Bytes that have been dealt with. */
    position: v.number(),
    rows: v.number(),
    created: v.number(),
    updated: v.number(),
    failed: v.number(),
    /** Rows that are no people, such as a header that is repeated. */
    skipped: v.optional(v.number()),
    /** The position is within a row that was refused for its length: the next begins further on. */
    isWithinRow: v.optional(v.boolean()),
    startedAt: v.number(),
    steppedAt: v.number(),
    ...jobFields,
    /** What rows of before say of the job: how often it was taken up since its last step. */
    attempts: v.optional(v.number()),
    /** Its rows could not be written, again and again: those left are counted, and it fails. */
    isGivenUp: v.optional(v.boolean()),
    /** How many rows are left of one that was given up; absent where they could not be counted. */
    unread: v.optional(v.number()),
    finishedAt: v.optional(v.number()),
  })
    .index("by_status", ["status", "steppedAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * What became of the rows of an import, a step's worth in each. Written with the step; read by
   * the report; deleted with the import. Nothing of what the rows said is kept.
   */
  contactImportResults: defineTable({
    importId: v.id("contactImports"),
    /** The number of the first row in it, from 1. */
    first: v.number(),
    /** Or rows that were passed over. */
    hasErrors: v.boolean(),
    /** Rows that say something which is not kept. */
    hasWarnings: v.optional(v.boolean()),
    results: v.array(
      v.object({
        status: v.union(
          v.literal("created"),
          v.literal("updated"),
          v.literal("skipped"),
          v.literal("error"),
        ),
        id: v.optional(v.string()),
        problems: v.optional(
          v.array(v.object({ path: v.optional(v.string()), message: v.string() })),
        ),
        warnings: v.optional(v.array(v.object({ path: v.string(), message: v.string() }))),
      }),
    ),
  })
    .index("by_import", ["importId", "first"])
    .index("by_errors", ["importId", "hasErrors", "first"])
    .index("by_warnings", ["importId", "hasWarnings", "first"]),

  /**
   * SHA-256 of the e-mails that a dry run would have created so far, so that it tells of a later row
   * what would be true then. Written by ontology/contactImport.ts; deleted with the import.
   */
  contactImportKeys: defineTable({
    importId: v.id("contactImports"),
    key: v.string(),
  }).index("by_key", ["importId", "key"]),

  /**
   * Merges of contacts: one row each. Written by ontology/contactMerge.ts with the merge and by its
   * jobs; read when it is undone; deleted by crmMaintenance.ts when it can no longer be undone, and
   * with the erasure of the contact.
   */
  contactMerges: defineTable({
    organizationId: v.id("organizations"),
    targetId: v.id("objects"),
    sourceId: v.id("objects"),
    /** `moving` and `undoing`: a job has objects left that refer to the one, not to the other. */
    status: v.union(
      v.literal("moving"),
      v.literal("done"),
      v.literal("undoing"),
      v.literal("undone"),
    ),
    scope: jobScope,
    /** How many objects and attachments name the target now that named the source. */
    moved: v.number(),
    /** What the merge changed of the target, for the undo. */
    changes: v.array(
      v.object({ field: v.string(), before: v.optional(v.any()), after: v.optional(v.any()) }),
    ),
    mergedAt: v.number(),
    undoUntil: v.number(),
    /** Of moving what there is to move, there or back. */
    ...jobFields,
  })
    .index("by_job", ["job.state", "job.at"])
    .index("by_target", ["targetId"])
    .index("by_source", ["sourceId"])
    .index("by_undoUntil", ["undoUntil"]),

  /** The objects and attachments that a merge moved. Written and deleted with it, and by its undo. */
  contactMergeMoves: defineTable({
    mergeId: v.id("contactMerges"),
    objectId: v.union(v.id("objects"), v.id("attachments")),
    /** Where it named the source or the target before, as JSON (ontology/relink.ts). */
    references: v.optional(v.string()),
  })
    .index("by_merge", ["mergeId"])
    .index("by_object", ["objectId"]),

  /**
   * The job that makes an organization's keys and search text anew after the rules for them, or its
   * country, have changed: one row, of the last one. Written by ontology/rekeying.ts, which is where its
   * position is taken up after any interruption; read by `GET /integrity`; never deleted.
   */
  rekeyings: defineTable({
    organizationId: v.id("organizations"),
    status: v.union(v.literal("running"), v.literal("completed")),
    /** In the order of the objects' last change. */
    position: v.object({ commitTs: v.int64(), creationTime: v.number(), id: v.string() }),
    /** Once the objects are done: the suppressed address that was looked at last. */
    addressesAfter: v.optional(v.string()),
    checked: v.number(),
    changed: v.number(),
    /** The first of those that have one key by now and had several: nothing is merged by itself. */
    collisions: v.array(v.object({ type: v.string(), key: v.string(), ids: v.array(v.string()) })),
    collided: v.number(),
    /** Objects that could not be written. */
    failed: v.array(v.string()),
    ...jobFields,
    startedAt: v.number(),
    /** What rows of before say of the job. */
    attempts: v.optional(v.number()),
    steppedAt: v.optional(v.number()),
    finishedAt: v.optional(v.number()),
  })
    .index("by_organization", ["organizationId"])
    .index("by_status", ["status", "steppedAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * Erasures of persons. Written by ontology/erasure.ts with the erasure and by its job, which
   * blanks, a page at a time, what refers to them and what the trail and kept answers say of them;
   * kept, as the proof that it was done.
   */
  erasures: defineTable({
    organizationId: v.id("organizations"),
    scope: jobScope,
    contactId: v.id("objects"),
    ...erasedObjects,
    /** Whose referring objects are left, and the cursor among those of the first; absent at the end. */
    referring: v.optional(
      v.object({ persons: v.array(v.id("objects")), cursor: v.union(v.string(), v.null()) }),
    ),
    status: v.union(v.literal("running"), v.literal("completed")),
    /** Where the job is in the history of the last page, or in the kept answers after it. */
    position: v.object({ stage: v.number(), cursor: v.union(v.string(), v.null()) }),
    ...jobFields,
    /** What rows of before say of the job. */
    steppedAt: v.optional(v.number()),
    erasedAt: v.number(),
    completedAt: v.optional(v.number()),
  })
    .index("by_organization", ["organizationId", "contactId"])
    .index("by_status", ["status", "steppedAt"])
    .index("by_job", ["job.state", "job.at"]),

  /**
   * The objects that an erasure's job blanked, a transaction's worth in each. Written by
   * ontology/erasure.ts; kept with the erasure.
   */
  erasurePages: defineTable({
    erasureId: v.id("erasures"),
    ...erasedObjects,
  }).index("by_erasure", ["erasureId"]),
};
