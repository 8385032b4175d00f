import * as z from "zod";
import { ok, type ReadContext, readEndpoint } from "../../kit/endpoint";
import { ApiError } from "../../kit/errors";
import { organizationOf } from "../../kit/own";
import { documentFile } from "../../delivery/documentFile";
import { type DocumentObject, issuedContent } from "../../delivery/documentFiles";
import { requireTaxDocument } from "../../delivery/eInvoice/requirements";
import { isOut } from "../../ontology/issuing";
import type { DocumentFormat } from "../../schemas/documentSchemas";
import { once } from "../../kit/once";

/** Documents as files: PDF for people, XML for their books. docs/documents.md says what is printed. */

const PDF = ["application/pdf"] as const;
const XML = ["application/xml"] as const;

const pdfQuery = once(() =>
  z.strictObject({
    format: z
      .enum(["pdf", "facturx"])
      .default("pdf")
      .meta({ description: "`facturx`: PDF/A-3 with the e-invoice in it (Factur-X, ZUGFeRD)." }),
  }),
);
const xmlQuery = once(() =>
  z.strictObject({
    syntax: z
      .enum(["ubl", "cii"])
      .default("ubl")
      .meta({ description: "UBL 2.1 or UN/CEFACT CII." }),
  }),
);

const forAll = {
  method: "GET",
  scope: "invoices:read",
  callers: ["api_key", "user", "portal_user"],
  answers: { 200: documentFile },
} as const;
const eInvoiceDescription =
  "EN 16931. What the norm needs and the document or the organization's settings lack is listed, field by field.";

export const invoicePdf = readEndpoint(
  {
    ...forAll,
    path: "/invoices/:id/pdf",
    tag: "Invoices",
    summary: "Get an invoice as a PDF",
    subject: "invoice",
    query: pdfQuery,
    files: PDF,
  },
  async (ctx, { subject, query }) => await fileOf(ctx, subject, query.format),
);

export const invoiceXml = readEndpoint(
  {
    ...forAll,
    path: "/invoices/:id/xml",
    tag: "Invoices",
    summary: "Get an invoice as an e-invoice",
    description: eInvoiceDescription,
    subject: "invoice",
    query: xmlQuery,
    files: XML,
  },
  async (ctx, { subject, query }) => await fileOf(ctx, subject, query.syntax),
);

export const reminderPdf = readEndpoint(
  {
    ...forAll,
    path: "/invoices/:id/reminder",
    tag: "Invoices",
    summary: "Get a reminder of an open invoice as a PDF",
    callers: ["api_key", "user"],
    subject: "invoice",
    query: () =>
      z.strictObject({
        level: z
          .enum(["1", "2", "3"])
          .default("1")
          .meta({ description: "From friendly to final." }),
      }),
    files: PDF,
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject, query }) => {
    requireOpen(subject);
    return await fileOf(ctx, subject, `reminder-${query.level}`);
  },
);

export const creditNotePdf = readEndpoint(
  {
    ...forAll,
    path: "/credit-notes/:id/pdf",
    tag: "Credit notes",
    summary: "Get a credit note as a PDF",
    subject: "credit_note",
    query: pdfQuery,
    files: PDF,
  },
  async (ctx, { subject, query }) => await fileOf(ctx, subject, query.format),
);

export const creditNoteXml = readEndpoint(
  {
    ...forAll,
    path: "/credit-notes/:id/xml",
    tag: "Credit notes",
    summary: "Get a credit note as an e-invoice",
    description: eInvoiceDescription,
    subject: "credit_note",
    query: xmlQuery,
    files: XML,
  },
  async (ctx, { subject, query }) => await fileOf(ctx, subject, query.syntax),
);

export const quotePdf = readEndpoint(
  {
    ...forAll,
    path: "/quotes/:id/pdf",
    tag: "Quotes",
    summary: "Get a quote as a PDF",
    subject: "quote",
    files: PDF,
  },
  async (ctx, { subject }) => await fileOf(ctx, subject, "pdf"),
);

type FileAnswer = ReturnType<typeof ok<z.input<ReturnType<typeof documentFile>>>>;

/** @throws VALIDATION_ERROR for an e-invoice that lacks what EN 16931 needs */
async function fileOf(
  ctx: ReadContext,
  document: DocumentObject,
  format: DocumentFormat,
): Promise<FileAnswer> {
  const { organizationId } = ctx.caller;
  if (format === "facturx" || format === "ubl" || format === "cii") {
    const organization = await organizationOf(ctx, ctx.caller);
    if (isOut(document)) {
      const issued = await issuedContent(ctx, organization, document);
      requireTaxDocument(issued.document, issued.organization);
    } else requireTaxDocument(document, organization);
  }
  return ok({ organizationId, objectId: document._id, format });
}

/** @throws INVALID_STATE where nobody is to be reminded */
function requireOpen({ status, customProperties }: DocumentObject & { type: "invoice" }): void {
  const allowed = ["sent", "awaiting_employer_payment", "overdue"];
  if (allowed.includes(status) && customProperties.amountDueInCents > 0) return;
  const details = { status, allowed };
  throw new ApiError("INVALID_STATE", "Only an open invoice has a reminder.", { details });
}
