/** Writes the web `Response` of an HTTP action to the client, as it comes. */
import type { ServerResponse } from "node:http";
import { type SimpleResponse, simpleResponse } from "../runtime/functionResponse";

/** Convex's limit for the body of an HTTP action's answer. */
const MAX_RESPONSE_BODY = 20 * 2 ** 20;

export class ResponseTooLarge extends Error {
  constructor() {
    super("HttpResponseTooLarge: HTTP actions support responses up to 20 MiB");
  }
}

/** Set by the connection, not by the app. */
const OF_CONNECTION = new Set(["connection", "keep-alive", "transfer-encoding"]);

export async function sendResponse(out: ServerResponse, response: Response): Promise<void> {
  const simple = simpleResponse(response);
  if (simple !== null) {
    sendSimple(out, simple);
    return;
  }
  writeHead(out, response, response.headers);
  const { body } = response;
  if (body === null || out.req.method === "HEAD") {
    await body?.cancel();
    if (out.req.method !== "HEAD" && !out.hasHeader("content-length") && hasBody(response.status)) {
      out.setHeader("Content-Length", 0);
    }
    out.end();
    return;
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const stop = (): void => {
    reader.cancel().catch(() => undefined);
  };
  out.once("close", stop);
  try {
    await pump(out, reader);
  } finally {
    out.off("close", stop);
  }
}

/** A body that is there at once goes out with its head, in one piece. */
function sendSimple(out: ServerResponse, response: SimpleResponse): void {
  const { body } = response;
  const length =
    body === null ? 0 : typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  if (length > MAX_RESPONSE_BODY) throw new ResponseTooLarge();
  writeHead(out, response, response.headers);
  const isHead = out.req.method === "HEAD";
  // The answer to HEAD may name the length of what GET would give.
  if (isHead ? length > 0 && !out.hasHeader("content-length") : hasBody(response.status)) {
    out.setHeader("Content-Length", length);
  }
  if (body === null || isHead) out.end();
  else out.end(body);
}

function writeHead(
  out: ServerResponse,
  { status, statusText }: { status: number; statusText: string },
  headers: Iterable<readonly [string, string]>,
): void {
  out.statusCode = status;
  if (statusText !== "") out.statusMessage = statusText;
  for (const [name, value] of headers) {
    if (name === "set-cookie") out.appendHeader(name, value);
    else if (!OF_CONNECTION.has(name)) out.setHeader(name, value);
  }
}

function hasBody(status: number): boolean {
  return status !== 204 && status !== 304;
}

async function pump(
  out: ServerResponse,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<void> {
  const first = await reader.read();
  if (first.done) {
    out.end();
    return;
  }
  let sent = first.value.byteLength;
  if (sent > MAX_RESPONSE_BODY) throw new ResponseTooLarge();
  // A body in one piece, the usual case, is sent with its length; a stream is sent as it comes.
  let next = reader.read();
  if (await isDoneAlready(next)) {
    if (!out.hasHeader("content-length")) out.setHeader("Content-Length", sent);
    out.end(first.value);
    return;
  }
  let chunk = first.value;
  for (;;) {
    if (!out.write(chunk) && !out.destroyed) await drained(out);
    const result = await next;
    if (result.done) break;
    chunk = result.value;
    sent += chunk.byteLength;
    if (sent > MAX_RESPONSE_BODY) throw new ResponseTooLarge();
    next = reader.read();
    next.catch(() => undefined);
  }
  out.end();
}

/** Whether the stream has ended by the time the microtasks that are due have run. */
async function isDoneAlready(next: Promise<{ done: boolean }>): Promise<boolean> {
  let done = false;
  next.then(
    (result) => (done = result.done),
    () => undefined,
  );
  for (let turn = 0; turn < 4 && !done; turn++) await Promise.resolve();
  return done;
}

function drained(out: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      out.off("drain", go);
      out.off("close", go);
      resolve();
    };
    out.once("drain", go);
    out.once("close", go);
  });
}
