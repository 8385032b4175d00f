import { httpRouter, makeFunctionReference } from "convex/server";
import { ConvexError, type Value } from "convex/values";
import { httpAction } from "./builders";

const recordRef = makeFunctionReference<"mutation", { text: string }, null>("schedule:record");
const logRef = makeFunctionReference<"query", Record<string, never>, string[]>("schedule:log");
const requestRef = makeFunctionReference<
  "mutation",
  Record<string, never>,
  { ip: string | null; userAgent: string | null; requestId: string }
>("meta:request");
const raiseRef = makeFunctionReference<"mutation", { data: Value }, null>("errors:raise");

const http = httpRouter();

for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const)
  http.route({
    path: "/method",
    method,
    handler: httpAction((_ctx, request) =>
      Promise.resolve(new Response(`${method} ${request.method}`)),
    ),
  });
http.route({
  path: "/get-only",
  method: "GET",
  handler: httpAction(() => Promise.resolve(new Response("got", { headers: { "X-Only": "get" } }))),
});

/** Exact paths come before prefixes, and longer prefixes before shorter ones. */
for (const pathPrefix of ["/items/", "/items/special/"])
  http.route({
    pathPrefix,
    method: "GET",
    handler: httpAction((_ctx, request) =>
      Promise.resolve(Response.json([pathPrefix, new URL(request.url).pathname])),
    ),
  });
http.route({
  path: "/items/exact",
  method: "GET",
  handler: httpAction(() => Promise.resolve(Response.json("exact"))),
});

http.route({
  path: "/url",
  method: "GET",
  handler: httpAction((_ctx, request) => {
    const { pathname, search, searchParams } = new URL(request.url);
    return Promise.resolve(Response.json({ pathname, search, list: searchParams.getAll("a") }));
  }),
});
http.route({
  path: "/headers",
  method: "GET",
  handler: httpAction((_ctx, request) => {
    const headers = new Headers({ "X-Echo": request.headers.get("x-given") ?? "none" });
    headers.append("Set-Cookie", "a=1");
    headers.append("Set-Cookie", "b=2; HttpOnly");
    return Promise.resolve(new Response(request.headers.get("authorization"), { headers }));
  }),
});
http.route({
  path: "/text",
  method: "POST",
  handler: httpAction(async (_ctx, request) => new Response((await request.text()) + "!")),
});
http.route({
  path: "/json",
  method: "POST",
  handler: httpAction(async (_ctx, request) =>
    Response.json({ got: (await request.json()) as unknown }, { status: 201 }),
  ),
});
http.route({
  path: "/bytes",
  method: "POST",
  handler: httpAction(async (_ctx, request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return new Response(bytes.reverse(), { headers: { "Content-Type": "application/x-test" } });
  }),
});
http.route({
  path: "/form",
  method: "POST",
  handler: httpAction(async (_ctx, request) => {
    const form = new URLSearchParams(await request.text());
    return Response.json([...form]);
  }),
});
http.route({
  path: "/length",
  method: "POST",
  handler: httpAction(async (_ctx, request) =>
    Response.json((await request.arrayBuffer()).byteLength),
  ),
});
http.route({
  path: "/status",
  method: "GET",
  handler: httpAction((_ctx, request) => {
    const status = Number(new URL(request.url).searchParams.get("status"));
    const empty = status === 204 || status === 304;
    return Promise.resolve(
      new Response(empty ? null : "body", { status, headers: { Location: "/elsewhere" } }),
    );
  }),
});
http.route({
  path: "/stream",
  method: "GET",
  handler: httpAction(() => {
    const encoder = new TextEncoder();
    let part = 0;
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(encoder.encode(`part${String(++part)};`));
        if (part === 3) controller.close();
      },
    });
    return Promise.resolve(new Response(stream));
  }),
});
/** Two parts with a pause between them. */
http.route({
  path: "/stream/slow",
  method: "GET",
  handler: httpAction(() => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const send = async () => {
      await writer.write(new TextEncoder().encode("first"));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await writer.write(new TextEncoder().encode("second"));
      await writer.close();
    };
    void send();
    return Promise.resolve(new Response(readable));
  }),
});
http.route({
  path: "/write",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    await ctx.runMutation(recordRef, { text: await request.text() });
    return Response.json(await ctx.runQuery(logRef, {}));
  }),
});
http.route({
  path: "/schedule",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const id = await ctx.scheduler.runAfter(0, recordRef, { text: await request.text() });
    return Response.json(id);
  }),
});
http.route({
  path: "/throw",
  method: "GET",
  handler: httpAction(() => {
    throw new Error("an inside that nobody should see");
  }),
});
http.route({
  path: "/throw-convex",
  method: "GET",
  handler: httpAction(() => {
    throw new ConvexError({ code: "inside" });
  }),
});
/** Turns a mutation's ConvexError into an answer. */
http.route({
  path: "/catch",
  method: "GET",
  handler: httpAction(async (ctx) => {
    try {
      await ctx.runMutation(raiseRef, { data: { code: "conflict", n: 1n } });
    } catch (error) {
      if (error instanceof ConvexError) {
        const { code, n } = error.data as { code: string; n: bigint };
        return Response.json({ code, n: String(n) }, { status: 409 });
      }
      throw error;
    }
    return new Response();
  }),
});
http.route({
  path: "/not-a-response",
  method: "GET",
  handler: httpAction(() => Promise.resolve("text" as unknown as Response)),
});
http.route({
  path: "/request-metadata",
  method: "GET",
  handler: httpAction(async (ctx) =>
    Response.json([await ctx.meta.getRequestMetadata(), await ctx.runMutation(requestRef, {})]),
  ),
});

export default http;
