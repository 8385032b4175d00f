import { defineTable } from "convex/server";
import { type Infer, v } from "convex/values";
import { storedSettings } from "./settingsSchemas";

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

const { name, legalName, address, sender, bankDetails, taxIds, locale, timeZone, invoiceFooter } =
  storedSettings.fields;

/** What a document says of who has written it, and in which language and zone. */
const seller = v.object({
  ...{ name, legalName, address, sender, bankDetails, taxIds, locale, timeZone, invoiceFooter },
  /** Of a test organization: its documents say so. */
  mode: v.optional(v.literal("test")),
});
export type Seller = Infer<typeof seller>;

export const documentTables = {
  /**
   * Files made of documents, once per edition and format. Written by delivery/documentFiles.ts; read
   * when a file is asked for or sent; deleted by it, with what is stored, when `deleteAfter` passes.
   */
  documentFiles: defineTable({
    organizationId: v.id("organizations"),
    objectId: v.id("objects"),
    format: documentFormat,
    /**
     * What it was made of: the versions of the object and of the organization's settings; `issued` for
     * the file of an issued document, which is the only one of its format and is never deleted.
     */
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
   * Who an organization was, by the version of its settings: written by ontology/sellers.ts when the
   * first document is issued under them, and before the first change of settings; never changed, since
   * every document issued under them is made of them; erased with nothing.
   */
  sellers: defineTable({
    organizationId: v.id("organizations"),
    version: v.number(),
    seller,
    logoId: v.optional(v.id("organizationLogos")),
  })
    .index("by_organization", ["organizationId", "version"])
    .index("by_logo", ["logoId"]),

  /**
   * What is frozen of a document as it is issued, beside what of it never changes then. Written by
   * ontology/issuing.ts with the transition out of draft; read when its files are made; deleted where
   * the person whom a quote is for is erased.
   */
  issuedDocuments: defineTable({
    organizationId: v.id("organizations"),
    objectId: v.id("objects"),
    sellerId: v.id("sellers"),
    issuedAt: v.number(),
    /** The status that it was issued with: a draft that is cancelled says so for ever. */
    status: v.string(),
    notes: v.optional(v.string()),
    /** Of the transition, as long as it waits for the digests of the files. */
    auditEntryId: v.optional(v.id("auditLogs")),
    /** When its files are to be made or tried again; absent once they are there. */
    filesDueAt: v.optional(v.number()),
    attempts: v.number(),
  })
    .index("by_object", ["objectId"])
    .index("by_filesDueAt", ["filesDueAt"]),

  /**
   * The pictures on organizations' letterheads: the present one of each, and those that issued
   * documents bear. Written and deleted by delivery/logos.ts, with the settings' version; read when a
   * document is made. The bytes are in the row, so that they change in the same transaction as the
   * version.
   */
  organizationLogos: defineTable({
    organizationId: v.id("organizations"),
    /** Set of one that only issued documents bear any more. */
    replacedAt: v.optional(v.number()),
    contentType: v.union(v.literal("image/png"), v.literal("image/jpeg")),
    width: v.number(),
    height: v.number(),
    /** Hex, of the bytes. */
    sha256: v.string(),
    bytes: v.bytes(),
  }).index("present", ["organizationId", "replacedAt"]),
};
