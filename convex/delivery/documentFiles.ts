import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import {
  internalMutation,
  internalQuery,
  type MutationCtx,
  type QueryCtx,
} from "../_generated/server";
import { dayOf } from "../kit/localTime";
import { asIssued, DOCUMENT_TYPES, type DocumentObject, isOut, issueOf } from "../ontology/issuing";
import { TenantReader } from "../ontology/reader";
import { firstSeller, type Logo, presentLogo, sellerOf } from "../ontology/sellers";
import { documentFormat, type DocumentFormat, type Seller } from "../schemas/documentSchemas";

/**
 * Which files exist of documents. Of an issued document there is one file per format for good, made of
 * what was frozen (issued.ts). A draft's and a reminder's are made once per edition: the versions of the
 * document and of the settings that are printed with it, of a reminder also its day. The file of a draft,
 * and one that lacks a font, is kept for a day; one that a later edition has replaced for thirty.
 */
export type { DocumentObject };

const DAY = 24 * 60 * 60 * 1000;
const KEPT_FOR_TODAY = DAY;
const REPLACED_KEPT = 30 * DAY;
const DELETED_AT_ONCE = 100;

/** The edition of an issued document's file. */
export const ISSUED = "issued";

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

/** What a document says: as it is, or of an issued one as it was issued, with its seller of then. */
export type DocumentContent = {
  document: DocumentObject;
  organization: Seller;
  /** When the invoice was issued that a credit note is for. */
  creditedAt: number | null;
};

/** Everything that a document is made of, and the file if it is made already. */
export type DocumentSource = DocumentContent & {
  /** Null also where the file is made already. */
  logo: Logo | null;
  edition: string;
  file: FileReference | null;
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
    const isFrozen = isOut(document) && !isReminder(format);
    const versions = [document.version, organization.version];
    const edition = isFrozen
      ? ISSUED
      : [...versions, ...(at === null ? [] : [dayOf(at, organization.timeZone)])].join(".");
    const file = await ctx.db
      .query("documentFiles")
      .withIndex("by_object", (q) =>
        q.eq("objectId", objectId).eq("format", format).eq("edition", edition),
      )
      .first();
    const content = isFrozen
      ? await issuedContent(ctx, organization, document)
      : {
          document,
          organization: sellerOf(organization),
          creditedAt: await creditedAt(tenant, document),
          logoOf: async () => await presentLogo(ctx, organizationId),
        };
    const { logoOf, ...said } = content;
    const logo = file ? null : await logoOf();
    return { ...said, logo, edition, file: file && referenceOf(file), at };
  },
});

/** What a document that has left draft says for ever. */
export async function issuedContent(
  ctx: QueryCtx,
  organization: Doc<"organizations">,
  document: DocumentObject,
): Promise<DocumentContent & { logoOf: () => Promise<Logo | null> }> {
  const { _id: organizationId } = organization;
  const issue = await issueOf(ctx, document._id);
  const row = issue
    ? await ctx.db.get("sellers", issue.sellerId)
    : await firstSeller(ctx, organizationId);
  return {
    document: asIssued(document, issue),
    organization: row?.seller ?? sellerOf(organization),
    creditedAt: await creditedAt(new TenantReader(ctx, { organizationId }), document),
    logoOf: async () => {
      if (!row) return await presentLogo(ctx, organizationId);
      return row.logoId === undefined ? null : await ctx.db.get("organizationLogos", row.logoId);
    },
  };
}

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
  handler: async (ctx, { isForToday, ...made }): Promise<FileReference> =>
    await keepFile(ctx, made, isForToday),
});

type MadeFile = {
  organizationId: Id<"organizations">;
  objectId: Id<"objects">;
  format: DocumentFormat;
  edition: string;
  file: FileReference;
};

/** As `keep`. */
export async function keepFile(
  ctx: MutationCtx,
  { organizationId, objectId, format, edition, file }: MadeFile,
  isForToday: boolean,
): Promise<FileReference> {
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
  for (const { _id, deleteAfter, edition: other } of made) {
    if (deleteAfter !== undefined || other === ISSUED) continue;
    await ctx.db.patch("documentFiles", _id, { deleteAfter: now + REPLACED_KEPT });
  }
  await ctx.db.insert("documentFiles", {
    ...file,
    ...{ organizationId, objectId, format, edition, madeAt: now },
    ...(isForToday ? { deleteAfter: now + KEPT_FOR_TODAY } : {}),
  });
  return file;
}

/** Deletes a document's files at once: they say whom it was for, who is erased. */
export async function forgetFiles(ctx: MutationCtx, objectId: Id<"objects">): Promise<void> {
  const files = await ctx.db
    .query("documentFiles")
    .withIndex("by_object", (q) => q.eq("objectId", objectId))
    .collect();
  for (const { _id, storageId } of files) {
    await ctx.storage.delete(storageId);
    await ctx.db.delete("documentFiles", _id);
  }
}

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

export function referenceOf(file: Doc<"documentFiles">): FileReference {
  const { storageId, fileName, contentType, size, sha256 } = file;
  return { storageId, fileName, contentType, size, sha256 };
}
