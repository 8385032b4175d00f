"use node";

import { v } from "convex/values";
import { internalAction } from "../_generated/server";
import { documentRequest, type FileReference, fileReference } from "./documentFiles";
import { taxSourceOf } from "./eInvoice/requirements";
import { facturXOf } from "./eInvoice/xml";
import { keptFile } from "./keptFile";
import { renderPdf } from "./pdf/renderPdf";
import { printedDocument } from "./printed/printedDocument";

/**
 * The PDF of an invoice, a credit note or a quote, or a reminder of an invoice: made if there is none
 * of the present edition, and kept in file storage. As `facturx` it is PDF/A-3 with the e-invoice in
 * it. Null for what is no such document. @throws VALIDATION_ERROR with what EN 16931 misses
 */
export const makePdf = internalAction({
  args: documentRequest,
  returns: v.union(fileReference, v.null()),
  handler: async (ctx, request): Promise<FileReference | null> =>
    await keptFile(ctx, request, "pdf", "application/pdf", async (source) => {
      const pdf = await renderPdf(printedDocument(source, request.format), source.logo);
      if (request.format !== "facturx") return pdf;
      return { ...pdf, bytes: await facturXOf(taxSourceOf(source), pdf.bytes) };
    }),
});
