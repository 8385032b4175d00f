import { defineTable } from "convex/server";
import { v } from "convex/values";

/** Something that is stored, and does not follow from what it was derived from. */
export const difference = v.object({
  /** The object, the group of counts or the series of numbers. */
  of: v.string(),
  what: v.string(),
});

export const invoicingTables = {
  /**
   * What the last full check of an organization's books found. Written by integrityJobs.ts, one row
   * per organization; read by `GET /integrity`; never deleted.
   */
  integrityReports: defineTable({
    organizationId: v.id("organizations"),
    startedAt: v.number(),
    finishedAt: v.number(),
    checked: v.number(),
    /** The first of them. */
    differences: v.array(difference),
    found: v.number(),
    /** False when the books changed all the while, so that counts could not be compared. */
    comparedCounts: v.boolean(),
  }).index("by_organization", ["organizationId"]),
};
