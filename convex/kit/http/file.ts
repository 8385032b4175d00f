import { internal } from "../../_generated/api";
import type { DocumentFile } from "../../delivery/documentFile";
import { notFound } from "../errors";
import type { Reply } from "../endpoint";
import { setRateLimitHeaders } from "./answer";
import type { HttpContext } from "./context";
import { disposition } from "../disposition";

/** The file of a reply, made if there is none yet. Its ETag is its digest. @throws DOCUMENT_NOT_FOUND */
export async function sendFile(c: HttpContext, reply: Reply): Promise<Response> {
  const wanted = JSON.parse(reply.data) as DocumentFile;
  const isXml = wanted.format === "ubl" || wanted.format === "cii";
  const { makeXml } = internal.delivery.xml;
  const file = await c.env.runAction(isXml ? makeXml : internal.delivery.pdf.makePdf, wanted);
  // Deleted between the one transaction and the other.
  if (!file) throw notFound("document");
  const tag = `"${file.sha256}"`;
  setRateLimitHeaders(c);
  c.header("Cache-Control", "private, no-cache");
  c.header("ETag", tag);
  if (isKnown(c.req.header("If-None-Match"), tag)) return c.body(null, 304);
  const stored = await c.env.storage.get(file.storageId);
  if (!stored) throw notFound("document");
  c.header("Content-Type", file.contentType);
  c.header("Content-Length", String(file.size));
  c.header("Content-Disposition", disposition(isXml ? "attachment" : "inline", file.fileName));
  return c.body(stored.stream());
}

function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  const tags = (ifNoneMatch ?? "").split(",").map((known) => known.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(tag);
}
