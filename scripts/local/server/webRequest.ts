/**
 * A Node request as the web `Request` that HTTP actions take. Making a real one costs more than
 * most of what is done with it, so the parts that are asked for are read from Node's request
 * directly, and a real `Request` is made only when something needs the whole of it.
 */
import type { IncomingMessage } from "node:http";
import { readBody } from "./body";
import { PROXY_HEADERS } from "./caller";

/** Convex's limit for the body of an HTTP action's request. */
export const MAX_REQUEST_BODY = 20 * 2 ** 20;

const BODILESS = new Set(["GET", "HEAD", "OPTIONS"]);

class LazyRequest {
  readonly method: string;
  readonly url: string;
  private readonly incoming: IncomingMessage;
  private readonly trustProxy: boolean;
  private readonly gone: () => AbortSignal;
  private ownHeaders: Headers | null = null;
  private whole: Request | null = null;
  private stream: ReadableStream<Uint8Array> | null = null;
  private chunks: AsyncGenerator<Buffer> | null = null;
  private read = false;

  constructor(
    incoming: IncomingMessage,
    url: string,
    trustProxy: boolean,
    gone: () => AbortSignal,
  ) {
    this.incoming = incoming;
    this.method = incoming.method ?? "GET";
    this.url = url;
    this.trustProxy = trustProxy;
    this.gone = gone;
  }

  get headers(): Headers {
    if (this.whole !== null) return this.whole.headers;
    this.ownHeaders ??= headersOf(this.incoming, this.trustProxy);
    return this.ownHeaders;
  }

  get signal(): AbortSignal {
    return this.gone();
  }

  get bodyUsed(): boolean {
    return this.read || (this.whole?.bodyUsed ?? false);
  }

  /** Made when asked for, begun when read: whoever only looks whether there is one pays little. */
  get body(): ReadableStream<Uint8Array> | null {
    if (!this.hasBody()) return null;
    if (this.whole !== null) return this.whole.body;
    this.stream ??= bodyStream(() => this.begin());
    return this.stream;
  }

  /** Lets go of a body that was begun, so that whatever is left of it can be discarded. */
  async release(): Promise<void> {
    await this.chunks?.return(undefined);
  }

  private hasBody(): boolean {
    const { headers } = this.incoming;
    const announced =
      headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
    return announced && !BODILESS.has(this.method);
  }

  private begin(): AsyncGenerator<Buffer> {
    this.read = true;
    this.chunks = chunksOf(this.incoming);
    return this.chunks;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (this.whole !== null) return await this.whole.arrayBuffer();
    const bytes = await this.bytes();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  async bytes(): Promise<Uint8Array> {
    if (this.whole !== null) return new Uint8Array(await this.whole.arrayBuffer());
    return await this.take();
  }

  async text(): Promise<string> {
    if (this.whole !== null) return await this.whole.text();
    return decoder.decode(await this.take());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async blob(): Promise<Blob> {
    return await this.toRequest().blob();
  }

  async formData(): Promise<FormData> {
    return await this.toRequest().formData();
  }

  clone(): Request {
    return this.toRequest().clone();
  }

  /** The request whole, for whatever only a real one can do. */
  toRequest(): Request {
    if (this.whole !== null) return this.whole;
    const { method, headers } = this;
    const init: RequestInit & { duplex: "half" } = { method, headers, duplex: "half" };
    init.signal = this.gone();
    const { body } = this;
    if (body !== null) {
      // A body that has been read already is an error to whoever reads it, not to this.
      init.body = this.read && !body.locked ? "" : body;
    }
    this.whole = new Request(this.url, init);
    return this.whole;
  }

  private async take(): Promise<Buffer> {
    if (this.read || this.stream?.locked === true) {
      throw new TypeError("Body is unusable: Body has already been read");
    }
    if (!this.hasBody()) return EMPTY;
    this.read = true;
    return await readBody(this.incoming, MAX_REQUEST_BODY);
  }
}

const EMPTY = Buffer.alloc(0);
const decoder = new TextDecoder();

// What is seldom asked for comes from the real request; and it is a Request to `instanceof`.
for (const name of [
  "cache",
  "credentials",
  "destination",
  "duplex",
  "integrity",
  "keepalive",
  "mode",
  "redirect",
  "referrer",
  "referrerPolicy",
] as const) {
  Object.defineProperty(LazyRequest.prototype, name, {
    get(this: LazyRequest): unknown {
      return Reflect.get(this.toRequest(), name);
    },
  });
}
Object.setPrototypeOf(LazyRequest.prototype, Request.prototype);

export function webRequest(
  incoming: IncomingMessage,
  url: string,
  trustProxy: boolean,
  gone: () => AbortSignal,
): Request {
  return new LazyRequest(incoming, url, trustProxy, gone) as unknown as Request;
}

/** For `new Request(request)` and `fetch(request)`, which look inside. */
export function realRequest<T>(input: T): T | Request {
  return input instanceof LazyRequest ? input.toRequest() : input;
}

function headersOf(incoming: IncomingMessage, trustProxy: boolean): Headers {
  const headers = new Headers();
  const { rawHeaders } = incoming;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (!trustProxy && PROXY_HEADERS.has(name.toLowerCase())) continue;
    headers.append(name, rawHeaders[i + 1] ?? "");
  }
  return headers;
}

async function* chunksOf(incoming: IncomingMessage): AsyncGenerator<Buffer> {
  let size = 0;
  // The connection outlives a body that nobody reads to its end.
  const chunks = incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_REQUEST_BODY) {
      throw new Error(`Request body is larger than ${MAX_REQUEST_BODY} bytes`);
    }
    yield chunk;
  }
}

function bodyStream(begin: () => AsyncGenerator<Buffer>): ReadableStream<Uint8Array> {
  let chunks: AsyncGenerator<Buffer> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        chunks ??= begin();
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: async () => {
        await chunks?.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** More than this of an unwanted body is not worth a connection. */
const MAX_DISCARDED = 64 * 2 ** 20;

/**
 * Reads away what an answered request still sends, so that the client gets to see the answer and can
 * use its connection again.
 */
export async function discardRest(request: Request, incoming: IncomingMessage): Promise<void> {
  if (incoming.readableEnded || incoming.destroyed) return;
  if (request instanceof LazyRequest) await request.release();
  let discarded = 0;
  incoming.on("data", (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > MAX_DISCARDED) incoming.destroy();
  });
  incoming.resume();
}

/** The request's fields without its body, for a copy that brings its own; null for any other input. */
export function withoutBody(input: unknown): { url: string; init: RequestInit } | null {
  if (!(input instanceof LazyRequest)) return null;
  const { url, method, headers, signal } = input;
  return { url, init: { method, headers, signal } };
}
