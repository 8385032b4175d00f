import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, internalQuery } from "../_generated/server";
import { dayOf } from "../kit/localTime";
import { TenantReader } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { logoOf } from "./logos";
import { documentFormat, type DocumentFormat } from "../schemas/documentSchemas";

/**
 * Which files exist of documents. A file is made once per edition: the versions of the document and
 * of the settings that are printed with it, for a reminder also its day. The file of a draft, and one
 * that lacks a font, is kept for a day; one that a later edition has replaced for thirty, so that a
 * mail that was queued with it still finds it.
 */
const DAY = 24 * 60 * 60 * 1000;
const KEPT_FOR_TODAY = DAY;
const REPLACED_KEPT = 30 * DAY;
const DELETED_AT_ONCE = 100;

/** The types of objects that are printed. */
export const DOCUMENT_TYPES = ["invoice", "credit_note", "quote"] as const;
export type DocumentObject = ObjectDoc<(typeof DOCUMENT_TYPES)[number]>;

export const fileReference = v.object({
  storageId: v.id("_storage"),
  fileName: v.string(),
  contentType: v.string(),
  size: v.number(),
  sha256: v.string(),
});
export type FileReference = typeof fileReference.type;

export const documentRequest = {
  organizationId: v.id("organizations"),
  objectId: v.id("objects"),
  format: documentFormat,
};

/** Everything that a document is made of, and the file if it is made already. */
export type DocumentSource = {
  document: DocumentObject;
  organization: Doc<"organizations">;
  /** Null also where the file is made already. */
  logo: Doc<"organizationLogos"> | null;
  edition: string;
  file: FileReference | null;
  /** When the invoice was issued that a credit note is for. */
  creditedAt: number | null;
  /** When a reminder is written. */
  at: number | null;
};

/** Null for what is no document of the organization. `at` is the day of a reminder. */
export const source = internalQuery({
  args: { ...documentRequest, at: v.union(v.number(), v.null()) },
  handler: async (ctx, args): Promise<DocumentSource | null> => {
    const { organizationId, objectId, format, at } = args;
    const organization = await ctx.db.get("organizations", organizationId);
    const tenant = new TenantReader(ctx, { organizationId });
    const document = await tenant.findAny(DOCUMENT_TYPES, objectId);
    if (!organization || !document) return null;
    const versions = [document.version, organization.version];
    const edition = [...versions, ...(at === null ? [] : [dayOf(at, organization.timeZone)])];
    const file = await ctx.db
      .query("documentFiles")
      .withIndex("by_object", (q) =>
        q.eq("objectId", objectId).eq("format", format).eq("edition", edition.join(".")),
      )
      .first();
    return {
      document,
      organization,
      logo: file ? null : await logoOf(ctx, organizationId),
      edition: edition.join("."),
      file: file && referenceOf(file),
      creditedAt: await creditedAt(tenant, document),
      at,
    };
  },
});

async function creditedAt(tenant: TenantReader, document: DocumentObject): Promise<number | null> {
  if (document.type !== "credit_note") return null;
  const invoice = await tenant.findAny(["invoice"], document.customProperties.invoiceId);
  return invoice?.customProperties.issueDate ?? null;
}

/**
 * Keeps a file that was just stored, and answers the one that is kept: where two were made at once,
 * the first stays and the other's bytes are deleted.
 */
export const keep = internalMutation({
  args: { ...documentRequest, edition: v.string(), isForToday: v.boolean(), file: fileReference },
  returns: fileReference,
  handler: async (ctx, args): Promise<FileReference> => {
    const { organizationId, objectId, format, edition, isForToday, file } = args;
    const now = Date.now();
    const made = await ctx.db
      .query("documentFiles")
      .withIndex("by_object", (q) => q.eq("objectId", objectId).eq("format", format))
      .collect();
    const first = made.find((other) => other.edition === edition);
    if (first) {
      await ctx.storage.delete(file.storageId);
      return referenceOf(first);
    }
    for (const { _id, deleteAfter } of made) {
      if (deleteAfter !== undefined) continue;
      await ctx.db.patch("documentFiles", _id, { deleteAfter: now + REPLACED_KEPT });
    }
    await ctx.db.insert("documentFiles", {
      ...file,
      organizationId,
      objectId,
      format,
      edition,
      madeAt: now,
      ...(isForToday ? { deleteAfter: now + KEPT_FOR_TODAY } : {}),
    });
    return file;
  },
});

/** Deletes files whose time has come, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const due = await ctx.db
      .query("documentFiles")
      .withIndex("by_deleteAfter", (q) => q.gt("deleteAfter", 0).lt("deleteAfter", Date.now()))
      .take(DELETED_AT_ONCE);
    for (const { _id, storageId } of due) {
      await ctx.storage.delete(storageId);
      await ctx.db.delete("documentFiles", _id);
    }
    if (due.length === DELETED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.delivery.documentFiles.cleanUp, {});
    }
    return { deleted: due.length };
  },
});

export function isReminder(format: DocumentFormat): boolean {
  return format.startsWith("reminder-");
}

function referenceOf(file: Doc<"documentFiles">): FileReference {
  const { storageId, fileName, contentType, size, sha256 } = file;
  return { storageId, fileName, contentType, size, sha256 };
}
