/**
 * The `Response` that functions make. Node's own builds a stream around every text, which costs
 * more than the rest of a small request; this one keeps a body that is there at once as it is,
 * and turns into Node's when something asks for more than that.
 */

type SimpleBody = string | Uint8Array | null;
type HeaderSource = ResponseInit["headers"];

const NodeResponse = Response;
const NULL_BODY_STATUS = new Set([101, 204, 205, 304]);

export type SimpleResponse = {
  status: number;
  statusText: string;
  headers: Iterable<readonly [string, string]>;
  body: SimpleBody;
};

class FunctionResponse {
  /** Node's response, once one was needed; then the other fields have no meaning. */
  #node: Response | null = null;
  #body: SimpleBody = null;
  #status = 200;
  #statusText = "";
  #source: HeaderSource;
  #headers: Headers | null = null;
  #used = false;

  constructor(body?: BodyInit | null, init?: ResponseInit) {
    const status = init?.status ?? 200;
    const simple = simpleBody(body);
    if (simple === undefined || !isPlain(status, simple)) {
      this.#node = new NodeResponse(body, init);
      return;
    }
    this.#body = simple;
    this.#status = status;
    this.#statusText = init?.statusText ?? "";
    this.#source = init?.headers;
  }

  static json(data: unknown, init?: ResponseInit): FunctionResponse {
    const text: string | undefined = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Value is not JSON serializable");
    const headers = new Headers(init?.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    const { status, statusText } = init ?? {};
    return new FunctionResponse(text, {
      ...(status === undefined ? {} : { status }),
      ...(statusText === undefined ? {} : { statusText }),
      headers,
    });
  }

  static error(): Response {
    return NodeResponse.error();
  }

  static redirect(url: string | URL, status?: number): Response {
    return NodeResponse.redirect(url, status);
  }

  /** One that Node made (an answer to `fetch`) is a Response as well. */
  static [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof NodeResponse;
  }

  /** The answer as it can be sent at once, or null if it has become Node's. */
  static parts(response: Response): SimpleResponse | null {
    if (!(#node in response)) return null;
    const own = response as unknown as FunctionResponse;
    if (own.#node !== null || own.#used) return null;
    return {
      status: own.#status,
      statusText: own.#statusText,
      headers: own.#headerList(),
      body: own.#body,
    };
  }

  #headerList(): Iterable<readonly [string, string]> {
    const source = this.#headers ?? this.#source;
    const type: readonly [string, string] = ["content-type", "text/plain;charset=UTF-8"];
    if (source === undefined) return typeof this.#body === "string" ? [type] : [];
    const headers = source instanceof Headers ? source : new Headers(source);
    return typeof this.#body === "string" && !headers.has("content-type")
      ? [type, ...headers]
      : headers;
  }

  get status(): number {
    return this.#node?.status ?? this.#status;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get statusText(): string {
    return this.#node?.statusText ?? this.#statusText;
  }

  get headers(): Headers {
    if (this.#node !== null) return this.#node.headers;
    this.#headers ??= new Headers([...this.#headerList()] as [string, string][]);
    return this.#headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body === null && this.#node === null ? null : this.#whole().body;
  }

  get bodyUsed(): boolean {
    return this.#node?.bodyUsed ?? this.#used;
  }

  async text(): Promise<string> {
    if (typeof this.#body !== "string" || this.#node !== null) return await this.#whole().text();
    if (this.#used) throw new TypeError("Body is unusable: Body has already been read");
    this.#used = true;
    return this.#body;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  clone(): Response {
    return this.#whole().clone();
  }

  /** As Node's own response; from here on that one is this one. */
  #whole(): Response {
    if (this.#node !== null) return this.#node;
    const { headers } = this;
    const node = new NodeResponse(this.#body as BodyInit | null, {
      status: this.#status,
      statusText: this.#statusText,
      headers,
    });
    if (this.#used) node.body?.cancel().catch(() => undefined);
    this.#node = node;
    return node;
  }

  /** For what is asked for too seldom to have a line of its own. */
  static whole(response: FunctionResponse): Response {
    return response.#whole();
  }
}

for (const name of ["arrayBuffer", "blob", "formData"] as const) {
  Object.defineProperty(FunctionResponse.prototype, name, {
    value: async function (this: FunctionResponse): Promise<unknown> {
      return await FunctionResponse.whole(this)[name]();
    },
  });
}
for (const name of ["redirected", "type", "url"] as const) {
  Object.defineProperty(FunctionResponse.prototype, name, {
    get(this: FunctionResponse): unknown {
      return FunctionResponse.whole(this)[name];
    },
  });
}
Object.setPrototypeOf(FunctionResponse.prototype, NodeResponse.prototype);
Object.defineProperty(FunctionResponse, "name", { value: "Response" });

export { FunctionResponse };
export const simpleResponse = (response: Response): SimpleResponse | null =>
  FunctionResponse.parts(response);

/** Undefined where the body is of a kind that only Node's response can hold. */
function simpleBody(body: BodyInit | null | undefined): SimpleBody | undefined {
  if (body === null || body === undefined) return null;
  // A copy: what a function does with its bytes afterwards does not change the answer.
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === "string" ? body : undefined;
}

function isPlain(status: number, body: SimpleBody): boolean {
  if (!Number.isInteger(status) || status < 200 || status > 599) return false;
  return body === null || !NULL_BODY_STATUS.has(status);
}
