"use node";

import { createHash } from "node:crypto";
import type { ObjectType } from "convex/values";
import { internal } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import type { DocumentFormat } from "../schemas/documentSchemas";
import {
  type documentRequest,
  type DocumentSource,
  type FileReference,
  ISSUED,
  isReminder,
} from "./documentFiles";
import type { Rendered } from "./pdf/renderPdf";

type Request = ObjectType<typeof documentRequest>;

/**
 * The file of a document: of an issued one the one that it was issued with, which `issue` makes with all
 * the others where there is none yet; else that of the present edition, made by `make`.
 */
export async function keptFile(
  ctx: ActionCtx,
  request: Request,
  make: (source: DocumentSource) => Promise<Rendered>,
  issue: (ctx: ActionCtx, request: Request) => Promise<void>,
): Promise<FileReference | null> {
  const source = await sourceOf(ctx, request);
  if (!source || source.file) return source?.file ?? null;
  const isIssued = source.edition === ISSUED;
  if (isIssued) {
    await issue(ctx, request);
    const issued = await sourceOf(ctx, request);
    if (!issued || issued.file) return issued?.file ?? null;
  }
  const made = await make(source);
  const { format } = request;
  const file = await storedFile(ctx, source.document.name, format, made.bytes);
  if (isIssued) {
    const { organizationId, objectId } = request;
    const files = [{ format, file }];
    await ctx.runMutation(internal.delivery.issued.keepIssued, { organizationId, objectId, files });
    return (await sourceOf(ctx, request))?.file ?? null;
  }
  return await ctx.runMutation(internal.delivery.documentFiles.keep, {
    ...request,
    edition: source.edition,
    isForToday: source.document.status === "draft" || !made.isComplete,
    file,
  });
}

async function sourceOf(ctx: ActionCtx, request: Request): Promise<DocumentSource | null> {
  const { organizationId, objectId, format } = request;
  const at = isReminder(format) ? Date.now() : null;
  const args = { organizationId, objectId, format, at };
  return await ctx.runQuery(internal.delivery.documentFiles.source, args);
}

/** Bytes in file storage, under the name that who gets the file sees. */
export async function storedFile(
  ctx: ActionCtx,
  number: string,
  format: DocumentFormat,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<FileReference> {
  const [extension, contentType] =
    format === "ubl" || format === "cii" ? ["xml", "application/xml"] : ["pdf", "application/pdf"];
  const storageId = await ctx.storage.store(new Blob([bytes], { type: contentType }));
  return {
    ...{ storageId, fileName: fileNameOf(number, format, extension), contentType },
    size: bytes.byteLength,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** `INV-2026-11-001.pdf`: the document's number without what a file system would stumble over. */
function fileNameOf(number: string, format: string, extension: string): string {
  const name = number.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "");
  const suffix = format === "pdf" ? "" : `-${format}`;
  return `${name === "" ? "document" : name}${suffix}.${extension}`;
}
