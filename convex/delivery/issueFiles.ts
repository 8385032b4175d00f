"use node";

import { internal } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import type { DocumentFormat } from "../schemas/documentSchemas";
import type { FileReference } from "./documentFiles";
import { missingForEInvoice } from "./eInvoice/requirements";
import { facturXOf, xmlOf } from "./eInvoice/xml";
import type { IssuedDocument, IssuedSource } from "./issued";
import { storedFile } from "./keptFile";
import { renderPdf } from "./pdf/renderPdf";
import { printedDocument } from "./printed/printedDocument";

/** So long a font that cannot be fetched is waited for: the file is for good. */
const FONT_WAIT_MS = 60 * 60 * 1000;

/**
 * Makes the files of an issued document that are not there yet, of what was frozen: the same bytes
 * whenever it is done. An e-invoice for which something was missing then is never made; what fails
 * otherwise is logged and tried again.
 * @throws SERVICE_UNAVAILABLE while a font cannot be fetched, in the first hour
 */
export async function issueFiles(
  ctx: ActionCtx,
  { organizationId, objectId }: IssuedDocument,
): Promise<void> {
  const document = { organizationId, objectId };
  const source = await ctx.runMutation(internal.delivery.issued.prepare, document);
  if (!source) return;
  const wanted = formatsOf(source).filter((format) => !source.made.includes(format));
  const pdf = wanted.some(isPdf) ? await pdfOf(source) : new Uint8Array();
  const files: { format: DocumentFormat; file: FileReference }[] = [];
  let isDone = true;
  for (const format of wanted) {
    try {
      const bytes = await bytesOf(source, format, pdf);
      files.push({
        format,
        file: await storedFile(ctx, source.content.document.name, format, bytes),
      });
    } catch (error) {
      isDone = false;
      console.error(`${format} of ${objectId} could not be made:`, error);
    }
  }
  await ctx.runMutation(internal.delivery.issued.keepIssued, { ...document, files, isDone });
}

/** Which files the document is issued with. */
function formatsOf({ content: { document, organization } }: IssuedSource): DocumentFormat[] {
  if (document.type === "quote" || missingForEInvoice(document, organization).length > 0) {
    return ["pdf"];
  }
  return ["pdf", "facturx", "ubl", "cii"];
}

function isPdf(format: DocumentFormat): boolean {
  return format === "pdf" || format === "facturx";
}

async function pdfOf({ content, logo, frozenAt }: IssuedSource): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, isComplete } = await renderPdf(
    printedDocument({ ...content, at: null }, "pdf"),
    logo,
  );
  if (isComplete || Date.now() - frozenAt > FONT_WAIT_MS) return bytes;
  const message = "A font that the document needs cannot be fetched at present.";
  throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 60 });
}

async function bytesOf(
  { content }: IssuedSource,
  format: DocumentFormat,
  pdf: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { document } = content;
  if (format === "pdf") return pdf;
  if (document.type === "quote") throw new Error("A quote has no e-invoice.");
  const source = { ...content, document };
  if (format === "facturx") return await facturXOf(source, pdf);
  return new TextEncoder().encode(await xmlOf(source, format === "cii" ? "cii" : "ubl"));
}
