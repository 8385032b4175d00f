import { type ObjectType, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { completeEntry, DIGESTS } from "../audit/awaiting";
import type { DocumentSha256 } from "../audit/trail";
import type { Change } from "../ontology/changes";
import { record } from "../ontology/effects";
import { eventTypeOf } from "../ontology/eventTypes";
import {
  DOCUMENT_TYPES,
  type DocumentObject,
  freezeLate,
  type Issue,
  issueOf,
  isOut,
} from "../ontology/issuing";
import { TenantReader } from "../ontology/reader";
import type { Logo } from "../ontology/sellers";
import { documentFormat, type DocumentFormat } from "../schemas/documentSchemas";
import { systemScope } from "../tenancy";
import {
  type DocumentContent,
  fileReference,
  ISSUED,
  issuedContent,
  keepFile,
} from "./documentFiles";

/**
 * The files of issued documents, which are made once, of what was frozen, and kept for good: by who
 * asks for one first (a request, a message), else within seconds by `wake`. They are not made by a job
 * of the transition itself: a hundred documents issued at once would draw a hundred pages at once.
 * The audit entry of the transition waits for their digests.
 */
export const issuedDocument = {
  organizationId: v.id("organizations"),
  objectId: v.id("objects"),
};
export type IssuedDocument = ObjectType<typeof issuedDocument>;

const AT_ONCE = 10;
const MINUTE = 60 * 1000;
/** Longer than a batch takes; doubled with each attempt. */
const LEASE_MS = 5 * MINUTE;
/** The last is a day and a half after the first. */
const MOST_ATTEMPTS = 9;

/** What an issued document's files are made of. */
export type IssuedSource = {
  content: DocumentContent;
  logo: Logo | null;
  made: DocumentFormat[];
  /** When the copy was made: for one that was issued before there were copies, at first need. */
  frozenAt: number;
};

/** Null for what is no issued document of the organization. */
export const prepare = internalMutation({
  args: issuedDocument,
  handler: async (ctx, { organizationId, objectId }): Promise<IssuedSource | null> => {
    const organization = await ctx.db.get("organizations", organizationId);
    const document = await issuedOf(ctx, { organizationId, objectId });
    if (!organization || !document) return null;
    const { _creationTime: frozenAt } = await freezeLate(ctx, organization, document);
    const { logoOf, ...content } = await issuedContent(ctx, organization, document);
    const made = (await filesOf(ctx, document)).map(({ format }) => format);
    return { content, logo: await logoOf(), made, frozenAt };
  },
});

/**
 * Keeps files that were made: the first of a format stays, for good. With the last of them the audit
 * trail says their digests.
 */
export const keepIssued = internalMutation({
  args: {
    ...issuedDocument,
    files: v.array(v.object({ format: documentFormat, file: fileReference })),
    /** Whether none is missing any more that can be made. */
    isDone: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, { organizationId, objectId, files, isDone = false }) => {
    const document = await issuedOf(ctx, { organizationId, objectId });
    const issue = await issueOf(ctx, objectId);
    if (!document || !issue) {
      // Erased meanwhile.
      for (const { file } of files) await ctx.storage.delete(file.storageId);
      return null;
    }
    let isNew = false;
    for (const { format, file } of files) {
      const made = { organizationId, objectId, format, edition: ISSUED, file };
      const kept = await keepFile(ctx, made, false);
      isNew ||= kept.storageId === file.storageId;
    }
    const isWaiting = issue.filesDueAt !== undefined;
    if (isWaiting ? isDone : isNew) await finish(ctx, document, issue);
    return null;
  },
});

/** Hands out what is due, a few at a time; goes on by itself while there is more. */
export const wake = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx): Promise<null> => {
    const now = Date.now();
    const due = await ctx.db
      .query("issuedDocuments")
      .withIndex("by_filesDueAt", (q) => q.gt("filesDueAt", 0).lte("filesDueAt", now))
      .take(AT_ONCE);
    const documents: IssuedDocument[] = [];
    for (const issue of due) {
      const { _id, organizationId, objectId, attempts } = issue;
      if (attempts < MOST_ATTEMPTS) {
        const filesDueAt = now + LEASE_MS * 2 ** attempts;
        await ctx.db.patch("issuedDocuments", _id, { attempts: attempts + 1, filesDueAt });
        documents.push({ organizationId, objectId });
      } else await giveUp(ctx, issue);
    }
    if (documents.length > 0) {
      await ctx.scheduler.runAfter(0, internal.delivery.pdf.issueAll, { documents });
    }
    return null;
  },
});

async function giveUp(ctx: MutationCtx, issue: Issue): Promise<void> {
  const document = await issuedOf(ctx, issue);
  console.error(`Not all files of ${issue.objectId} could be made: they are when asked for.`);
  if (document) await finish(ctx, document, issue);
  else await ctx.db.patch("issuedDocuments", issue._id, { filesDueAt: undefined });
}

/** The trail says which files there are: in the entry that waits for them, else in one of its own. */
async function finish(ctx: MutationCtx, document: DocumentObject, issue: Issue): Promise<void> {
  const { organizationId, objectId, auditEntryId } = issue;
  await ctx.db.patch("issuedDocuments", issue._id, {
    auditEntryId: undefined,
    filesDueAt: undefined,
  });
  const after = digestsOf(await filesOf(ctx, document));
  const changes: Change[] = Object.keys(after).length === 0 ? [] : [{ field: DIGESTS, after }];
  if (auditEntryId) await completeEntry(ctx, auditEntryId, changes);
  else if (changes.length > 0) {
    await record(ctx, systemScope(organizationId, "documents"), {
      action: eventTypeOf(document.type, "frozen"),
      objectType: document.type,
      objectId,
      changes,
    });
  }
}

const DIGEST_OF = {
  pdf: "pdf",
  facturx: "facturx",
  ubl: "xml",
  cii: "cii",
} as const satisfies Partial<Record<DocumentFormat, keyof DocumentSha256>>;

function digestsOf(files: readonly Doc<"documentFiles">[]): DocumentSha256 {
  const digests: DocumentSha256 = {};
  for (const { format, sha256 } of files) {
    if (format in DIGEST_OF) digests[DIGEST_OF[format as keyof typeof DIGEST_OF]] = sha256;
  }
  return digests;
}

async function filesOf(ctx: MutationCtx, { _id }: DocumentObject): Promise<Doc<"documentFiles">[]> {
  const files = await ctx.db
    .query("documentFiles")
    .withIndex("by_object", (q) => q.eq("objectId", _id))
    .collect();
  return files.filter(({ edition }) => edition === ISSUED);
}

async function issuedOf(
  ctx: MutationCtx,
  { organizationId, objectId }: IssuedDocument,
): Promise<DocumentObject | null> {
  const document = await new TenantReader(ctx, { organizationId }).findAny(
    DOCUMENT_TYPES,
    objectId,
  );
  return document && isOut(document) ? document : null;
}
