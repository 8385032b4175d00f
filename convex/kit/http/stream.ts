import type { Reply } from "../endpoint";
import type { RequestInput } from "../input";
import type { StreamPage } from "../streamPage";
import { setRateLimitHeaders } from "./answer";
import type { HttpContext } from "./context";

/** Convex sends at most 20 MiB; after this much the page that goes beyond it still fits. */
const ENOUGH_BYTES = 8 * 1024 * 1024;

type Ask = (request: RequestInput) => Promise<Reply>;

/**
 * Sends an answer of many pages. JSON goes out as it is read, its `meta.nextCursor` at the end. CSV
 * has no place for that but a header, so its pages are gathered before the first byte goes out;
 * both end at `limit` rows or some megabytes, whichever comes first.
 */
export async function streamAnswer(
  c: HttpContext,
  request: RequestInput,
  first: Reply,
  ask: Ask,
): Promise<Response> {
  const firstPage = JSON.parse(first.data) as StreamPage;
  const { format, fileName } = firstPage;
  setRateLimitHeaders(c);
  c.header("Cache-Control", "private, no-cache");
  c.header("Content-Disposition", `attachment; filename="${fileName}"`);
  const pages = pagesOf(firstPage, request, ask);
  if (format === "json") {
    c.header("Content-Type", "application/json; charset=utf-8");
    return c.body(encoded(jsonOf(c.get("requestId"), pages)));
  }
  c.header("Content-Type", "text/csv; charset=utf-8; header=present");
  const texts = [firstPage.head];
  let next: string | null = null;
  for await (const page of pages) {
    texts.push(page.text);
    next = page.next;
  }
  if (next !== null) c.header("X-Next-Cursor", next);
  return c.body(encoded(texts.values()));
}

/** The pages of this answer; the last one's `next` is where the next answer goes on. */
async function* pagesOf(
  first: StreamPage,
  request: RequestInput,
  ask: Ask,
): AsyncGenerator<StreamPage> {
  let page = first;
  let left = first.limit;
  let length = 0;
  for (;;) {
    yield page;
    left -= page.rows;
    length += page.text.length;
    // A character of JSON or CSV is up to three bytes of UTF-8, though seldom more than one.
    if (page.next === null || left <= 0 || length > ENOUGH_BYTES) return;
    const others = request.query.filter(([name]) => name !== "limit" && name !== "cursor");
    const query = [...others, ["limit", String(left)], ["cursor", page.next]];
    page = JSON.parse((await ask({ ...request, query })).data) as StreamPage;
  }
}

async function* jsonOf(traceId: string, pages: AsyncIterable<StreamPage>): AsyncGenerator<string> {
  let nextCursor: string | null = null;
  let between = "";
  yield '{"success":true,"data":[';
  for await (const page of pages) {
    if (page.rows > 0) {
      yield between + page.text;
      between = ",";
    }
    nextCursor = page.next;
  }
  yield `],"error":null,"meta":${JSON.stringify({ traceId, nextCursor })}}`;
}

/**
 * The texts as they come. They are asked for from within the request, not by whoever reads the body:
 * that is where functions may be called.
 */
function encoded(texts: AsyncIterable<string> | Iterable<string>): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void pump(texts, writable.getWriter());
  return readable;
}

async function pump(
  texts: AsyncIterable<string> | Iterable<string>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const encoder = new TextEncoder();
  try {
    for await (const text of texts) await writer.write(encoder.encode(text));
    await writer.close();
  } catch (error) {
    // Either the reader has gone, or it must not take what it has got for all of it.
    await writer.abort(error).catch(() => undefined);
  }
}
