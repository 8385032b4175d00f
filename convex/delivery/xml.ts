"use node";

import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { documentRequest, type FileReference, fileReference } from "./documentFiles";
import { taxSourceOf } from "./eInvoice/requirements";
import { xmlOf } from "./eInvoice/xml";
import { keptFile } from "./keptFile";

/**
 * The e-invoice of an invoice or credit note: made where there is none yet, and kept like the PDF. Null
 * for what is no document. @throws VALIDATION_ERROR with what EN 16931 misses
 */
export const makeXml = internalAction({
  args: documentRequest,
  returns: v.union(fileReference, v.null()),
  handler: async (ctx, request): Promise<FileReference | null> =>
    await keptFile(
      ctx,
      request,
      async (source) => {
        const syntax = request.format === "cii" ? "cii" : "ubl";
        const xml = await xmlOf(taxSourceOf(source), syntax);
        return { bytes: new TextEncoder().encode(xml), isComplete: true };
      },
      // What draws pages is no part of this module.
      async (_ctx, { organizationId, objectId }) => {
        await ctx.runAction(internal.delivery.pdf.issue, { organizationId, objectId });
      },
    ),
});
