import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { completeEntry } from "../audit/awaiting";
import type { ObjectDoc } from "./registry";
import { firstSeller, keepSeller } from "./sellers";

/**
 * A document leaves draft: who sells it, and what of it may change later, is frozen in the same
 * transaction, whatever way it goes out. Its files are made of that for ever (delivery/issued.ts).
 */
export const DOCUMENT_TYPES = ["invoice", "credit_note", "quote"] as const;
export type DocumentObject = ObjectDoc<(typeof DOCUMENT_TYPES)[number]>;
export type Issue = Doc<"issuedDocuments">;
/** What is frozen beside the seller. */
type Frozen = Pick<Issue, "issuedAt" | "status" | "notes">;

const DRAFT = "draft";

/** Whether a write issues the document: it is new, or was a draft, and is none now. */
export function isIssuing(
  before: Pick<ObjectDoc, "status"> | null,
  after: ObjectDoc,
): after is DocumentObject {
  return isDocument(after) && isOut(after) && (before === null || before.status === DRAFT);
}

export function isDocument(object: ObjectDoc): object is DocumentObject {
  return DOCUMENT_TYPES.some((type) => type === object.type);
}

/** Whether it has left draft. */
export function isOut({ status }: Pick<DocumentObject, "status">): boolean {
  return status !== DRAFT;
}

/** Freezes a document that is issued now. @param auditEntryId of that, which waits for its files */
export async function freeze(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  document: DocumentObject,
  auditEntryId: Id<"auditLogs">,
): Promise<void> {
  await ctx.db.insert("issuedDocuments", {
    organizationId: organization._id,
    objectId: document._id,
    sellerId: await keepSeller(ctx, organization),
    ...frozenOf(document, document.updatedAt),
    auditEntryId,
    filesDueAt: document.updatedAt,
    attempts: 0,
  });
}

/**
 * What is frozen of a document. One that was issued before documents were frozen is so at first need,
 * as it was issued then, by the oldest seller that is known.
 */
export async function freezeLate(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  document: DocumentObject,
): Promise<Issue> {
  const known = await issueOf(ctx, document._id);
  if (known) return known;
  const first = await firstSeller(ctx, organization._id);
  const id = await ctx.db.insert("issuedDocuments", {
    organizationId: organization._id,
    objectId: document._id,
    sellerId: first?._id ?? (await keepSeller(ctx, organization)),
    ...frozenLate(document),
    filesDueAt: Date.now(),
    attempts: 0,
  });
  const issue = await ctx.db.get("issuedDocuments", id);
  if (!issue) throw new Error(`Document ${document._id} was not frozen.`);
  return issue;
}

export async function issueOf(ctx: QueryCtx, objectId: Id<"objects">): Promise<Issue | null> {
  return await ctx.db
    .query("issuedDocuments")
    .withIndex("by_object", (q) => q.eq("objectId", objectId))
    .first();
}

/** The document as it was issued: what was paid, credited or noted since is not on its files. */
export function asIssued(document: DocumentObject, issue: Issue | null): DocumentObject {
  const { issuedAt, status, notes } = issue ?? frozenLate(document);
  const issued = { ...document, status, updatedAt: issuedAt };
  if (document.type === "credit_note") return issued as DocumentObject;
  const { notes: _notes, ...properties } = document.customProperties;
  const noted = { ...properties, ...(notes === undefined ? {} : { notes }) };
  if (document.type === "quote") return { ...issued, customProperties: noted } as DocumentObject;
  const { paymentUrl: _url, ...invoice } = noted as typeof document.customProperties;
  const open = {
    ...{ amountPaidInCents: 0, amountCreditedInCents: 0, amountWrittenOffInCents: 0 },
    amountDueInCents: invoice.totalAmountInCents,
  };
  return { ...issued, customProperties: { ...invoice, ...open } } as DocumentObject;
}

/** Forgets what was frozen of a document whose person is erased. */
export async function forgetIssue(ctx: MutationCtx, objectId: Id<"objects">): Promise<void> {
  const issue = await issueOf(ctx, objectId);
  if (!issue) return;
  if (issue.auditEntryId) await completeEntry(ctx, issue.auditEntryId, []);
  await ctx.db.delete("issuedDocuments", issue._id);
}

function frozenOf(document: DocumentObject, issuedAt: number): Frozen {
  const { status, customProperties } = document;
  const notes = "notes" in customProperties ? customProperties.notes : undefined;
  return { issuedAt, status, ...(notes === undefined ? {} : { notes }) };
}

/** Of one that is out already: it was sent, unless it was cancelled as a draft. */
function frozenLate(document: DocumentObject): Frozen {
  if (document.type === "credit_note") return frozenOf(document, document.createdAt);
  const { sentDate } = document.customProperties;
  const frozen = frozenOf(document, sentDate ?? document.createdAt);
  return sentDate === undefined ? frozen : { ...frozen, status: "sent" };
}
