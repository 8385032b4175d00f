import { defineTable } from "convex/server";
import { v } from "convex/values";

/** What can be made of an invoice, a credit note or a quote. */
export const DOCUMENT_FORMATS = [
  "pdf",
  "facturx",
  "ubl",
  "cii",
  "reminder-1",
  "reminder-2",
  "reminder-3",
] as const;
export const documentFormat = v.union(...DOCUMENT_FORMATS.map((format) => v.literal(format)));
export type DocumentFormat = typeof documentFormat.type;

export const documentTables = {
  /**
   * Files made of documents, once per edition and format. Written by delivery/documentFiles.ts; read
   * when a file is asked for or sent; deleted by it, with what is stored, when `deleteAfter` passes.
   */
  documentFiles: defineTable({
    organizationId: v.id("organizations"),
    objectId: v.id("objects"),
    format: documentFormat,
    /** What it was made of: the versions of the object and of the organization's settings. */
    edition: v.string(),
    storageId: v.id("_storage"),
    /** Hex, of the bytes. */
    sha256: v.string(),
    size: v.number(),
    fileName: v.string(),
    contentType: v.string(),
    madeAt: v.number(),
    /** Set for drafts, and for what a later edition has replaced. */
    deleteAfter: v.optional(v.number()),
  })
    .index("by_object", ["objectId", "format", "edition"])
    .index("by_storageId", ["storageId"])
    .index("by_deleteAfter", ["deleteAfter"]),

  /**
   * The pictures on organizations' letterheads, at most one row per organization. Written and deleted
   * by delivery/logos.ts, with the settings' version; read when a document is made. The bytes are in the
   * row, so that they change in the same transaction as the version.
   */
  organizationLogos: defineTable({
    organizationId: v.id("organizations"),
    contentType: v.union(v.literal("image/png"), v.literal("image/jpeg")),
    width: v.number(),
    height: v.number(),
    /** Hex, of the bytes. */
    sha256: v.string(),
    bytes: v.bytes(),
  }).index("by_organization", ["organizationId"]),
};
