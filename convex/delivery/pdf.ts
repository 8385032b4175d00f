"use node";

import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { documentRequest, type FileReference, fileReference } from "./documentFiles";
import { taxSourceOf } from "./eInvoice/requirements";
import { facturXOf } from "./eInvoice/xml";
import { issuedDocument } from "./issued";
import { issueFiles } from "./issueFiles";
import { keptFile } from "./keptFile";
import { renderPdf } from "./pdf/renderPdf";
import { printedDocument } from "./printed/printedDocument";

/**
 * The PDF of an invoice, a credit note or a quote, or a reminder of an invoice: made where there is none
 * yet, and kept in file storage. As `facturx` it is PDF/A-3 with the e-invoice in it. Null for what is no
 * such document.
 * @throws VALIDATION_ERROR with what EN 16931 misses; SERVICE_UNAVAILABLE, see `issueFiles`
 */
export const makePdf = internalAction({
  args: documentRequest,
  returns: v.union(fileReference, v.null()),
  handler: async (ctx, request): Promise<FileReference | null> =>
    await keptFile(
      ctx,
      request,
      async (source) => {
        const pdf = await renderPdf(printedDocument(source, request.format), source.logo);
        if (request.format !== "facturx") return pdf;
        return { ...pdf, bytes: await facturXOf(taxSourceOf(source), pdf.bytes) };
      },
      issueFiles,
    ),
});

/** Makes the files of an issued document that are missing. @throws as `issueFiles` */
export const issue = internalAction({
  args: issuedDocument,
  returns: v.null(),
  handler: async (ctx, document): Promise<null> => {
    await issueFiles(ctx, document);
    return null;
  },
});

/** The same of several, one after another. What fails is tried again, and logged. */
export const issueAll = internalAction({
  args: { documents: v.array(v.object(issuedDocument)) },
  returns: v.null(),
  handler: async (ctx, { documents }): Promise<null> => {
    for (const document of documents) {
      try {
        await issueFiles(ctx, document);
      } catch (error) {
        console.error(`The files of ${document.objectId} could not be made:`, error);
      }
    }
    await ctx.runMutation(internal.delivery.issued.wake, {});
    return null;
  },
});
