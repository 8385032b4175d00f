"use node";

import { v } from "convex/values";
import { internalAction } from "../_generated/server";
import { documentRequest, type FileReference, fileReference } from "./documentFiles";
import { keptFile } from "./keptFile";
import { renderPdf } from "./pdf/renderPdf";
import { printedDocument } from "./printed/printedDocument";

/**
 * The PDF of an invoice, a credit note or a quote, or a reminder of an invoice: made if there is none
 * of the present edition, and kept in file storage. Null for what is no such document.
 */
export const makePdf = internalAction({
  args: documentRequest,
  returns: v.union(fileReference, v.null()),
  handler: async (ctx, request): Promise<FileReference | null> =>
    await keptFile(ctx, request, "pdf", "application/pdf", async (source) => {
      const printed = printedDocument(source, request.format);
      return await renderPdf(printed, source.logo);
    }),
});
