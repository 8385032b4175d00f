/**
 * Upload and download of stored files: what `storage.generateUploadUrl()` and `storage.getUrl()` lead
 * to. Requests, headers and error codes are Convex's.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { unavailableOf } from "../database/unavailable";
import { FileRefused, type Files, type OpenFile, type StoredFile } from "../files";
import { log } from "../runtime/log";
import { readRange } from "./range";
import { refuseEarly } from "./reply";

export const STORAGE_PATH = "/api/storage/";
const UPLOAD_PATH = `${STORAGE_PATH}upload`;

/** What a client may be told of a request that failed. */
class StorageError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers a request for a path under `/api/storage/`. */
export async function serveStorage(
  files: Files,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const isUpload = pathname === UPLOAD_PATH;
  const allowed = isUpload ? ["POST"] : ["GET", "HEAD"];
  try {
    if (!allowed.includes(request.method ?? "")) {
      response.setHeader("Allow", allowed.join(", "));
      throw new StorageError(405, "MethodNotAllowed", `Use ${allowed.join(" or ")}`);
    }
    if (isUpload) await upload(files, searchParams.get("token") ?? "", request, response);
    else await download(files, pathname.slice(STORAGE_PATH.length), request, response);
  } catch (error) {
    if (response.headersSent || request.socket.destroyed) response.destroy();
    else refuse(request, response, error);
  }
}

async function upload(
  files: Files,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = files.refuseToken(token);
  if (refusal !== null) throw new StorageError(401, refusal.code, refusal.message);
  if (Number(request.headers["content-length"] ?? 0) > files.maxBytes) {
    throw new StorageError(413, "FileTooLarge", `The file is larger than ${files.maxBytes} bytes`);
  }
  const contentType = contentTypeOf(request);
  const sha256 = digestOf(request);
  // Not destroyed with the loop, so that who sent too much can still be told.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  const storageId = await files.store(body, { contentType, sha256 });
  sendJson(response, 200, { storageId });
}

function contentTypeOf({ headers }: IncomingMessage): string | null {
  const type = headers["content-type"];
  if (type === undefined || type === "") return null;
  if (/^[\x20-\x7e]{1,255}$/.test(type)) return type;
  throw new StorageError(400, "BadHeader", "Bad header for content-type: not a media type");
}

/** `Digest: sha-256=<base64>` (RFC 3230), which the file must then have. */
function digestOf({ headers }: IncomingMessage): string | null {
  const { digest } = headers;
  if (digest === undefined) return null;
  const value = /^sha-256=([A-Za-z0-9+/]{43}=)$/i.exec(Array.isArray(digest) ? "" : digest)?.[1];
  if (value !== undefined) return value;
  throw new StorageError(400, "BadHeader", "Bad header for digest: expected sha-256=<base64>");
}

async function download(
  files: Files,
  uuid: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const opened = await files.openByUuid(uuid);
  if (opened === null) throw new StorageError(404, "FileNotFound", `File ${uuid} not found`);
  try {
    await send(opened, request, response);
  } finally {
    await opened.handle.close();
  }
}

async function send(
  { file, handle }: OpenFile,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const etag = `"${Buffer.from(file.sha256, "base64").toString("hex")}"`;
  describe(file, etag, response);
  const { headers } = request;
  if (listsTag(headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return;
  }
  const ifRange = headers["if-range"];
  const asked = ifRange === undefined || ifRange === etag ? headers.range : undefined;
  const range = readRange(request.method === "GET" ? asked : undefined, file.size);
  if (range.kind === "unsatisfiable") {
    response.writeHead(416, { "Content-Range": `bytes */${file.size}`, "Content-Length": 0 }).end();
    return;
  }
  const { first, last } = range.kind === "part" ? range : { first: 0, last: file.size - 1 };
  response.setHeader("Content-Length", last - first + 1);
  if (range.kind === "part") {
    response.statusCode = 206;
    response.setHeader("Content-Range", `bytes ${first}-${last}/${file.size}`);
  } else {
    response.setHeader("Digest", `sha-256=${file.sha256}`);
  }
  if (request.method === "HEAD" || file.size === 0) {
    response.end();
    return;
  }
  const bytes = handle.createReadStream({ start: first, end: last, autoClose: false });
  await pipeline(bytes, response);
}

/** A file never changes, so whoever has it may keep it: 30 days, as on Convex. */
function describe({ contentType }: StoredFile, etag: string, response: ServerResponse): void {
  response.setHeader("Content-Type", contentType ?? "application/octet-stream");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (isHarmless(contentType)) {
    response.setHeader("Content-Disposition", "inline");
  } else {
    response.setHeader("Content-Disposition", "attachment");
    response.setHeader("Content-Security-Policy", "default-src 'none'; sandbox");
  }
  response.setHeader("Cache-Control", "private, max-age=2592000");
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("ETag", etag);
}

/** What a browser shows without running any of it. An SVG image in a page is shown all the same. */
const HARMLESS =
  /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|audio\/[\w.+-]+|video\/[\w.+-]+|text\/plain|application\/pdf)$/;

function isHarmless(contentType: string | null): boolean {
  const [type = ""] = (contentType ?? "").split(";", 1);
  return HARMLESS.test(type.trim().toLowerCase());
}

function listsTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((tag) => ["*", etag, `W/${etag}`].includes(tag.trim()));
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { status, code, message } = publicError(error);
  const unavailable = unavailableOf(error);
  if (unavailable !== null) response.setHeader("Retry-After", unavailable.retryAfter);
  refuseEarly(request, response, status, { code, message });
}

function publicError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof FileRefused) {
    return new StorageError(error.code === "FileTooLarge" ? 413 : 400, error.code, error.message);
  }
  const unavailable = unavailableOf(error);
  if (unavailable !== null) return new StorageError(503, unavailable.name, unavailable.message);
  log("error", `A stored file could not be read or written: ${String(error)}`);
  return new StorageError(500, "InternalServerError", "The file could not be read or written");
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": bytes.length,
  });
  response.end(bytes);
}
