"use node";

import { createHash } from "node:crypto";
import type { ObjectType } from "convex/values";
import { internal } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import {
  type documentRequest,
  type DocumentSource,
  type FileReference,
  isReminder,
} from "./documentFiles";
import type { Rendered } from "./pdf/renderPdf";

type Request = ObjectType<typeof documentRequest>;

/** The file of a document's present edition, made by `make` where there is none yet. */
export async function keptFile(
  ctx: ActionCtx,
  request: Request,
  extension: string,
  contentType: string,
  make: (source: DocumentSource) => Promise<Rendered>,
): Promise<FileReference | null> {
  const at = isReminder(request.format) ? Date.now() : null;
  const source = await ctx.runQuery(internal.delivery.documentFiles.source, { ...request, at });
  if (!source) return null;
  if (source.file) return source.file;
  const { bytes, isComplete } = await make(source);
  const storageId = await ctx.storage.store(new Blob([bytes], { type: contentType }));
  return await ctx.runMutation(internal.delivery.documentFiles.keep, {
    ...request,
    edition: source.edition,
    isForToday: source.document.status === "draft" || !isComplete,
    file: {
      storageId,
      fileName: fileNameOf(source.document.name, request.format, extension),
      contentType,
      size: bytes.byteLength,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    },
  });
}

/** `INV-2026-11-001.pdf`: the document's number without what a file system would stumble over. */
function fileNameOf(number: string, format: string, extension: string): string {
  const name = number.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "");
  const suffix = format === "pdf" ? "" : `-${format}`;
  return `${name === "" ? "document" : name}${suffix}.${extension}`;
}
