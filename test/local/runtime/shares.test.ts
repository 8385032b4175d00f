/** One address takes its share of the connections, and no more; a request is for one host. */
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeAll, afterAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { FUNCTIONS } from "./fixture";

const SHARE = 4;
const flags = ["--no-demo", "--connections-per-address", String(SHARE)];

let server: TestServer;
let proxied: TestServer;
beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags });
  proxied = await startServer({ functions: FUNCTIONS, flags: [...flags, "--trust-proxy"] });
}, 90_000);
afterAll(async () => {
  await server.remove();
  await proxied.remove();
});

const held: Socket[] = [];
const letGo = (): void => {
  for (const socket of held.splice(0)) socket.destroy();
};
afterEach(letGo);

/** A connection on which nothing is said; the answer comes when the server has taken it. */
async function hold(to: string): Promise<void> {
  const { port, hostname } = new URL(to);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  held.push(socket);
  await new Promise((resolve) => socket.once("connect", resolve));
}

type Answer = { status: number; retryAfter: string | undefined; connection: string | undefined };

function ask(url: string, headers: object = {}, localAddress = "127.0.0.1"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, localAddress, headers: { ...headers } };
    httpRequest(`${url}/version`, options, (response) => {
      response.resume();
      const { "retry-after": retryAfter, connection } = response.headers;
      resolve({ status: response.statusCode ?? 0, retryAfter, connection });
    })
      .on("error", reject)
      .end();
  });
}

function say(url: string, text: string): Promise<string> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    connect(Number(port), hostname)
      .on("data", (bytes) => (answer += bytes.toString()))
      .on("close", () => {
        resolve(answer);
      })
      .on("error", reject)
      .end(text);
  });
}

describe("an address that has its share of connections", () => {
  test("is refused another on either port, and others are served", async () => {
    for (let i = 0; i < SHARE / 2; i++) await hold(server.siteUrl);
    for (let i = 0; i < SHARE / 2; i++) await hold(server.cloudUrl);
    const refusal = { status: 429, retryAfter: "1", connection: "close" };
    expect(await ask(server.cloudUrl)).toEqual(refusal);
    expect(await ask(server.siteUrl)).toEqual(refusal);
    expect((await ask(server.cloudUrl, {}, "127.0.0.2")).status).toBe(200);
    letGo();
    await eventually(
      async () => (await ask(server.cloudUrl)).status,
      (status) => status === 200,
    );
  });

  test("is refused a WebSocket", async () => {
    const url = `${server.cloudUrl.replace("http", "ws")}/api/1.48.0/sync`;
    const open = (): WebSocket => new WebSocket(url).on("error", () => undefined);
    const sockets = Array.from({ length: SHARE }, open);
    await Promise.all(sockets.map((socket) => new Promise((done) => socket.once("open", done))));
    const status = await new Promise((resolve) => {
      open().once("unexpected-response", (_request, { statusCode }) => {
        resolve(statusCode);
      });
    });
    expect(status).toBe(429);
    for (const socket of sockets) socket.terminate();
  });
});

test("behind a trusted proxy it is the client's address that counts", async () => {
  const ws = `${proxied.cloudUrl.replace("http", "ws")}/api/1.48.0/sync`;
  const open = (client: string): WebSocket =>
    new WebSocket(ws, { headers: { "X-Forwarded-For": client } }).on("error", () => undefined);
  const sockets = Array.from({ length: SHARE }, () => open("203.0.113.7"));
  await Promise.all(sockets.map((socket) => new Promise((done) => socket.once("open", done))));
  const from = (client: string): object => ({ "X-Forwarded-For": client });
  expect((await ask(proxied.cloudUrl, from("203.0.113.7"))).status).toBe(429);
  expect((await ask(proxied.cloudUrl, from("203.0.113.8"))).status).toBe(200);
  for (const socket of sockets) socket.terminate();
});

test.each(["siteUrl", "cloudUrl"] as const)(
  "two Host headers are refused at the %s",
  async (at) => {
    const answer = await say(
      server[at],
      "GET /version HTTP/1.1\r\nHost: one.example\r\nhost: two.example\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain("A request has one Host header");
  },
);

test.each(["x/version#", "x?y", "a b", "%41", "user@x"])(
  "a Host header that is none is refused: %s",
  async (host) => {
    const answer = await say(server.siteUrl, `GET /health HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  },
);
