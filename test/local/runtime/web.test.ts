import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { FunctionResponse, simpleResponse } from "../../../scripts/local/runtime/functionResponse";
import { realRequest, webRequest } from "../../../scripts/local/server/webRequest";

/** The class as functions see it. */
const Own = FunctionResponse as unknown as typeof Response;

describe("the Response of functions behaves as Node's", () => {
  const made: [string, (R: typeof Response) => Response][] = [
    ["nothing", (R) => new R()],
    ["a text", (R) => new R("żółć")],
    ["an empty text", (R) => new R("")],
    [
      "a status and a header",
      (R) => new R("x", { status: 201, statusText: "Made", headers: { "X-A": "1" } }),
    ],
    [
      "headers as pairs, cookies apart",
      (R) =>
        new R("x", {
          headers: [
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["content-type", "text/css"],
          ],
        }),
    ],
    ["no content", (R) => new R(null, { status: 204 })],
    ["bytes", (R) => new R(new Uint8Array([1, 2, 3]))],
    ["a blob", (R) => new R(new Blob(["blob"], { type: "text/x" }))],
    ["form fields", (R) => new R(new URLSearchParams({ a: "b" }))],
    ["JSON", (R) => R.json({ a: [1, null] }, { status: 202 })],
    ["a redirect", (R) => R.redirect("http://x.example/", 303)],
    [
      "another's body and head",
      (R) => new R(new R("inner").body, new R("x", { status: 418, headers: { "X-B": "2" } })),
    ],
  ];
  test.each(made)("made of %s", async (_what, make) => {
    const [own, node] = [make(Own), make(Response)];
    expect(own instanceof Response).toBe(true);
    expect(own instanceof Own).toBe(true);
    for (const name of ["status", "statusText", "ok", "bodyUsed", "redirected", "type"] as const) {
      expect([name, own[name]]).toEqual([name, node[name]]);
    }
    expect([...own.headers]).toEqual([...node.headers]);
    expect(own.body === null).toBe(node.body === null);
    expect(await own.clone().text()).toBe(await node.clone().text());
    expect(new Uint8Array(await own.arrayBuffer())).toEqual(
      new Uint8Array(await node.arrayBuffer()),
    );
    expect(own.bodyUsed).toBe(node.bodyUsed);
  });

  test.each([
    ["a status out of range", (R: typeof Response) => new R("x", { status: 99 })],
    ["a body where none may be", (R: typeof Response) => new R("x", { status: 204 })],
    ["undefined as JSON", (R: typeof Response) => R.json(undefined)],
  ])("refuses %s", (_what, make) => {
    expect(() => make(Own)).toThrow();
    expect(() => make(Response)).toThrow();
  });

  test("a body is read once", async () => {
    const response = new Own("once");
    expect(await response.text()).toBe("once");
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    await expect(response.arrayBuffer()).rejects.toThrow(TypeError);
  });

  test("header changes made after it was made are sent", () => {
    const response = new Own("x", { headers: { "X-A": "1" } });
    response.headers.set("X-A", "2");
    response.headers.append("X-B", "3");
    expect(Object.fromEntries(simpleResponse(response)?.headers ?? [])).toMatchObject({
      "x-a": "2",
      "x-b": "3",
    });
  });

  test("bytes changed after it was made are not sent", async () => {
    const bytes = new Uint8Array([1]);
    const response = new Own(bytes);
    bytes[0] = 9;
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([1]));
  });
});

describe("the Request of HTTP actions", () => {
  const uses: [string, (r: Request) => Promise<unknown>, unknown][] = [
    ["text", (r) => r.text(), '{"a":1}'],
    ["json", (r) => r.json(), { a: 1 }],
    ["bytes", async (r) => (await r.arrayBuffer()).byteLength, 7],
    ["blob", async (r) => await (await r.blob()).text(), '{"a":1}'],
    ["its body", async (r) => await new Response(r.body).text(), '{"a":1}'],
    [
      "text, after a look at the body",
      async (r) => [r.body === null, await r.text()],
      [false, '{"a":1}'],
    ],
    [
      "a clone and itself",
      async (r) => [await r.clone().text(), await r.text()],
      ['{"a":1}', '{"a":1}'],
    ],
    [
      "a copy with another method",
      async (r) => {
        const copy = new Request(realRequest(r), { method: "PUT" });
        return [copy.method, copy.headers.get("x-a"), await copy.text()];
      },
      ["PUT", "1", '{"a":1}'],
    ],
    [
      "reading twice",
      async (r) => {
        await r.text();
        return [r.bodyUsed, await r.text().catch((error: unknown) => error instanceof TypeError)];
      },
      [true, true],
    ],
    [
      "text after its stream was taken",
      async (r) => {
        r.body?.getReader();
        return await r.text().catch((error: unknown) => error instanceof TypeError);
      },
      true,
    ],
    [
      "what it is",
      async (r) => [
        r instanceof Request,
        r.method,
        new URL(r.url).pathname,
        r.redirect,
        r.signal.aborted,
      ],
      [true, "POST", "/p", "follow", false],
    ],
  ];
  test.each(uses)("gives %s", async (_what, use, expected) => {
    expect(await served('{"a":1}', use)).toEqual(expected);
  });
});

/** What `use` makes of a request with that body, as a server sees it. */
async function served(body: string, use: (request: Request) => Promise<unknown>): Promise<unknown> {
  let result: Promise<unknown> = Promise.resolve();
  const handle = (incoming: IncomingMessage): Promise<unknown> =>
    use(webRequest(incoming, "http://x.example/p?q", false, () => new AbortController().signal));
  const server = createServer((incoming, out) => {
    result = handle(incoming).finally(() => out.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve, reject) => {
    const headers = { "X-A": "1", Connection: "close" };
    const call = request({ port, method: "POST", headers }, (response) => {
      response.resume().on("end", () => {
        resolve();
      });
    });
    call.on("error", reject).end(body);
  });
  server.close();
  return await result;
}
