import { request as nodeRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { FUNCTIONS } from "./fixture";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
}, 60_000);
afterAll(async () => server.remove());

const url = (path: string): string => server.siteUrl + path;

describe("HTTP actions", () => {
  test("a request runs the action of its route, with query, body, status and headers", async () => {
    const body = JSON.stringify({ author: "http", text: "żółć 日本" });
    const created = await fetch(url("/notes"), { method: "POST", body });
    expect(created.status).toBe(201);
    const { id } = (await created.json()) as { id: string };
    expect(created.headers.get("x-note")).toBe(id);
    const listed = await fetch(url("/notes?author=http"));
    expect(await listed.json()).toMatchObject({ notes: [{ _id: id, text: "żółć 日本" }] });
  });

  test("HEAD is GET without its body", async () => {
    const response = await fetch(url("/notes?author=http"), { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("");
  });

  test("a prefix route, and several cookies", async () => {
    const response = await fetch(url("/files/a%20b/c"));
    expect(await response.text()).toBe("/files/a%20b/c");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test.each([
    ["GET", "/nowhere"],
    ["DELETE", "/notes"],
  ])("%s %s is not routed", async (method, path) => {
    const response = await fetch(url(path), { method });
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("No matching routes found");
  });

  test("a method that no route can have is not allowed", async () => {
    expect(
      await rawStatus("PROPFIND /notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ).toBe(405);
  });

  test("an action that throws answers 500 without its reason", async () => {
    const response = await fetch(url("/fail"));
    expect(response.status).toBe(500);
    const { code } = (await response.json()) as { code: string };
    expect(code).toMatch(/^\[Request ID: [0-9a-f]{16}\] Server Error$/);
  });

  test.each([
    ["POST", "/hono/1", "POST /hono/:id"],
    ["DELETE", "/hono/2?a=b", "DELETE /hono/:id"],
    ["GET", "/fail", "GET /fail"],
    ["HEAD", "/fail", "HEAD /fail"],
  ])("the log says %s %s with the router's pattern", async (method, path, name) => {
    const logged = (): number => server.logs().filter((line) => line["function"] === name).length;
    const before = logged();
    await fetch(url(path), { method });
    await eventually(logged, (count) => count === before + 1);
  });

  test("the data of a ConvexError is shown", async () => {
    expect(await (await fetch(url("/fail-with-data"))).json()).toMatchObject({
      data: { code: "teapot" },
    });
  });

  test("an answer above 20 MiB is refused", async () => {
    const response = await fetch(url("/large"));
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("HttpResponseTooLarge");
  });

  test("bodies stream both ways: the first piece is answered before the second is sent", async () => {
    const pieces: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      const request = nodeRequest(url("/stream"), { method: "POST" }, (response) => {
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          pieces.push(piece);
          if (pieces.length === 1) request.end("second");
        });
        response.on("end", resolve);
      });
      request.on("error", reject);
      request.write("first ");
    });
    await ended;
    expect(pieces.join("")).toBe("FIRST SECOND");
    expect(pieces[0]).toBe("FIRST ");
  });

  test("the action learns that its client has gone", async () => {
    const aborter = new AbortController();
    const waiting = fetch(url("/wait?key=gone"), { signal: aborter.signal }).catch(() => undefined);
    const keys = async (): Promise<string[]> =>
      (await (await fetch(url("/waiting"))).json()) as string[];
    await eventually(keys, (found) => found.includes("gone"));
    aborter.abort();
    await waiting;
    await eventually(keys, (found) => found.includes("gone:aborted"));
  });

  test("the request is a Request, whose metadata reaches the mutation", async () => {
    const response = await fetch(url("/metadata"), {
      method: "POST",
      body: "hello",
      headers: { "User-Agent": "tester", Cookie: "a=b", "X-Forwarded-For": "6.6.6.6" },
    });
    expect(await response.json()).toMatchObject({
      metadata: { ip: "127.0.0.1", userAgent: "tester", scheduledFunctionId: null },
      forwarded: null,
      url: url("/metadata"),
      cookies: "a=b",
      isRequest: true,
      copied: "hello",
    });
  });

  test("behind a trusted proxy its word is taken", async () => {
    const proxied = await startServer({
      functions: FUNCTIONS,
      flags: ["--no-demo", "--trust-proxy"],
    });
    try {
      const response = await fetch(`${proxied.siteUrl}/metadata`, {
        method: "POST",
        headers: {
          "X-Forwarded-For": "6.6.6.6, 9.9.9.9",
          "X-Forwarded-Proto": "https",
          "X-Forwarded-Host": "api.example",
        },
      });
      expect(await response.json()).toMatchObject({
        metadata: { ip: "9.9.9.9" },
        url: "https://api.example/metadata",
      });
    } finally {
      await proxied.remove();
    }
  });

  test.each([
    ["a garbage host", "GET /notes HTTP/1.1\r\nHost: [bad\r\nConnection: close\r\n\r\n", 400],
    [
      "a body too large",
      "POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
      413,
    ],
  ])("a request with %s is refused", async (_what, text, status) => {
    expect(await rawStatus(text)).toBe(status);
  });
});

function rawStatus(text: string): Promise<number> {
  const { hostname, port } = new URL(server.siteUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("close", () => {
      resolve(Number(answer.split(" ")[1]));
    });
    socket.on("error", reject);
  });
}
