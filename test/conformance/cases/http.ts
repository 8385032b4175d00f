import { expect } from "vitest";
import { api } from "../api";
import { subject } from "../suite";

export const http = subject("HTTP actions", [
  {
    name: "each method has its own action",
    async run(host) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        const response = await host.fetch("/method", { method });
        expect([response.status, await response.text()]).toEqual([200, `${method} ${method}`]);
      }
    },
  },
  {
    name: "HEAD runs the action of GET and sends no body",
    async run(host) {
      const response = await host.fetch("/get-only", { method: "HEAD" });
      expect([response.status, response.headers.get("x-only")]).toEqual([200, "get"]);
      expect(await response.text()).toBe("");
    },
    differs: { host: "convex-test", why: "it hands the action's own answer on, body and all" },
  },
  {
    name: "no route: 404, by path and by method",
    async run(host) {
      const calls = [
        host.fetch("/nowhere"),
        host.fetch("/get-only", { method: "POST" }),
        host.fetch("/get-only/"),
        host.fetch("/Get-only"),
        host.fetch("/items"),
        host.fetch("/"),
      ];
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 404));
    },
  },
  {
    name: "prefixes: an exact path first, then the longest prefix",
    async run(host) {
      const get = async (path: string) => (await (await host.fetch(path)).json()) as unknown;
      expect(await get("/items/exact")).toBe("exact");
      expect(await get("/items/1/parts/2")).toEqual(["/items/", "/items/1/parts/2"]);
      expect(await get("/items/special/3")).toEqual(["/items/special/", "/items/special/3"]);
      expect(await get("/items/exact/4")).toEqual(["/items/", "/items/exact/4"]);
      expect(await get("/items/a%20b%2Fc")).toEqual(["/items/", "/items/a%20b%2Fc"]);
    },
  },
  {
    name: "the request's URL with its query",
    async run(host) {
      const response = await host.fetch("/url?a=1&a=%C3%A4+b&c");
      expect(await response.json()).toEqual({
        pathname: "/url",
        search: "?a=1&a=%C3%A4+b&c",
        list: ["1", "ä b"],
      });
    },
  },
  {
    name: "headers in and out, two cookies among them",
    async run(host) {
      const response = await host.fetch("/headers", {
        headers: { "X-Given": "given", Authorization: "Bearer of.no.meaning" },
      });
      expect(response.headers.get("x-echo")).toBe("given");
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2; HttpOnly"]);
      expect(await response.text()).toBe("Bearer of.no.meaning");
    },
  },
  {
    name: "bodies: text, JSON, form, bytes",
    async run(host) {
      const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
        host.fetch(path, { method: "POST", body, headers });
      expect(await (await post("/text", "żółć 😀")).text()).toBe("żółć 😀!");
      const json = await post("/json", '{"a":[1,null]}', { "Content-Type": "application/json" });
      expect([json.status, await json.json()]).toEqual([201, { got: { a: [1, null] } }]);
      expect(json.headers.get("content-type")).toContain("application/json");
      const form = await post("/form", new URLSearchParams({ a: "b c", d: "ä" }));
      expect(await form.json()).toEqual([
        ["a", "b c"],
        ["d", "ä"],
      ]);
      const bytes = await post("/bytes", new Uint8Array([0, 128, 255]));
      expect(bytes.headers.get("content-type")).toBe("application/x-test");
      expect([...new Uint8Array(await bytes.arrayBuffer())]).toEqual([255, 128, 0]);
      expect(await (await post("/length", "")).json()).toBe(0);
      expect(await (await post("/length", new Uint8Array(3_000_000))).json()).toBe(3_000_000);
    },
  },
  {
    name: "any status, with and without a body",
    async run(host) {
      for (const status of [200, 201, 400, 401, 404, 409, 418, 429, 503]) {
        const response = await host.fetch(`/status?status=${String(status)}`);
        expect([response.status, await response.text()]).toEqual([status, "body"]);
      }
      for (const status of [204, 304]) {
        const response = await host.fetch(`/status?status=${String(status)}`);
        expect([response.status, await response.text()]).toEqual([status, ""]);
      }
      const redirect = await host.fetch("/status?status=302", { redirect: "manual" });
      expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/elsewhere"]);
    },
  },
  {
    name: "a body that is a stream",
    async run(host) {
      expect(await (await host.fetch("/stream")).text()).toBe("part1;part2;part3;");
    },
  },
  {
    name: "the first part of a stream arrives before the last is written",
    async run(host) {
      const response = await host.fetch("/stream/slow");
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(new TextDecoder().decode(first?.value)).toBe("first");
      const second = await reader?.read();
      expect(new TextDecoder().decode(second?.value)).toBe("second");
      expect((await reader?.read())?.done).toBe(true);
    },
  },
  {
    name: "queries, mutations and the scheduler",
    async run(host) {
      const post = async (path: string, body: string) =>
        (await (await host.fetch(path, { method: "POST", body })).json()) as unknown;
      expect(await post("/write", "one")).toEqual(["one"]);
      expect(await post("/schedule", "two")).toEqual(expect.any(String));
      await host.finishScheduled();
      expect(await host.query(api.schedule.log, {})).toEqual(["one", "two"]);
    },
  },
  {
    name: "a mutation's ConvexError is caught with its data",
    async run(host) {
      const response = await host.fetch("/catch");
      expect([response.status, await response.json()]).toEqual([409, { code: "conflict", n: "1" }]);
    },
  },
  {
    name: "an error is a 500 that tells nothing of the inside",
    async run(host) {
      for (const path of ["/throw", "/not-a-response"]) {
        const response = await host.fetch(path);
        expect(response.status).toBe(500);
        expect(await response.text()).not.toMatch(/inside|\.ts|\bat /);
      }
    },
    differs: { host: "convex-test", why: "it throws the error itself" },
  },
  {
    name: "a ConvexError that no one catches is a 500 with its data",
    async run(host) {
      const response = await host.fetch("/throw-convex");
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ data: { code: "inside" } });
    },
    differs: { host: "convex-test", why: "it throws the error itself" },
  },
  {
    name: "many requests at once",
    async run(host) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, i) =>
          (await host.fetch("/text", { method: "POST", body: String(i) })).text(),
        ),
      );
      expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => `${String(i)}!`));
    },
  },
  {
    name: "address and user agent are known to the action and to its mutation, as one request",
    async run(host) {
      const response = await host.fetch("/request-metadata", {
        headers: { "User-Agent": "Suite/1" },
      });
      const [action, mutation] = (await response.json()) as Record<string, unknown>[];
      expect(action).toEqual(mutation);
      expect(action).toMatchObject({
        userAgent: "Suite/1",
        scheduledFunctionId: null,
        authToken: null,
      });
      expect(action?.ip).toMatch(/127\.0\.0\.1|::1/);
      expect(action?.requestId).toMatch(/./);
    },
  },
]);
