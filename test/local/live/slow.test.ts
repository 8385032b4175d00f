/** Clients that do not take what they are sent, or do not say anything. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import type { LiveLimits } from "../../../scripts/local/live/limits";
import { redirectLog } from "../../../scripts/local/runtime/log";
import { eventually } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import { FUNCTIONS, LiveClient } from "./client";
import { RawClient } from "./raw";

/**
 * What a client may take its time for is as long as everywhere, unless a test is about it: how fast this
 * machine is decides nothing.
 */
const LIMITS = { connections: 4, queriesPerConnection: 3, outboxFullBytes: 2 ** 18, tickMs: 50 };

let restoreLog: () => void;
const folders: string[] = [];
const started: Deployment[] = [];

beforeAll(() => {
  restoreLog = redirectLog(() => undefined);
});
afterEach(async () => {
  for (const deployment of started.splice(0)) await deployment.stop();
  for (const data of folders.splice(0)) await rm(data, { recursive: true, force: true });
});
afterAll(() => {
  restoreLog();
});

async function start(limits: Partial<LiveLimits> = {}): Promise<Deployment> {
  const data = await mkdtemp(path.join(tmpdir(), "freehold-slow-"));
  folders.push(data);
  const deployment = await startDeployment({
    ...{ data, functions: FUNCTIONS, sitePort: 0, cloudPort: 0, demo: false },
    liveLimits: { ...LIMITS, ...limits },
  });
  started.push(deployment);
  return deployment;
}

/** Longer than what the sockets' own buffers hold. */
const LARGE = "x".repeat(900_000);

test("a client that stops reading is dropped, and costs no more memory until then", async () => {
  const deployment = await start({ stalledMs: 3_000 });
  const slow = await RawClient.open(deployment.cloudUrl);
  const quick = new LiveClient(deployment.cloudUrl);
  const heard = quick.subscribe<string[]>("items:list", { list: "large" });
  slow.subscribe("items:list", { list: "large" });
  await slow.next(({ type }) => type === "Transition");
  slow.socket.pause();
  const http = clientOf(deployment.cloudUrl);
  const before = process.memoryUsage().external;
  for (let n = 0; n < 12; n++) await http.mutation("items:add", { list: "large", n, text: LARGE });
  await heard.until((texts) => texts.length === 12);
  // Every state in full would be 70 MB.
  expect(process.memoryUsage().external - before).toBeLessThan(50 * 2 ** 20);
  await eventually(
    () => deployment.live.size,
    (size) => size === 1,
  );
  await quick.mutation("items:add", { list: "other", n: 1, text: "goes on" });
  await quick.close();
  await slow.close();
});

test("a client that reads again in time gets the present, without what lay between", async () => {
  const deployment = await start();
  const client = await RawClient.open(deployment.cloudUrl);
  client.subscribe("items:list", { list: "catch up" });
  await client.next(({ type }) => type === "Transition");
  const http = clientOf(deployment.cloudUrl);
  await http.mutation("items:add", { list: "catch up", n: 0, text: LARGE });
  await eventually(
    () => textsIn(client),
    (count) => count === 1,
  );
  client.socket.pause();
  for (let n = 1; n < 9; n++) {
    await http.mutation("items:add", { list: "catch up", n, text: LARGE });
  }
  client.socket.resume();
  await eventually(
    () => textsIn(client),
    // Each of the eight states in full would be 1 + 2 + … + 9 texts.
    (count) => count >= 10 && count < 45,
  );
  await client.close();
});

/** How often the large text has come, also in pieces. */
function textsIn(client: RawClient): number {
  const all = client.received.map(({ chunk, ...message }) =>
    typeof chunk === "string" ? chunk : JSON.stringify(message),
  );
  return all.join("").split(LARGE).length - 1;
}

test("a connection that says nothing is closed", async () => {
  const deployment = await start({ connectWithinMs: 300 });
  const client = await RawClient.open(deployment.cloudUrl, { connect: false });
  expect((await client.closed).reason).toContain("Connect");
});

test("a client whose machine no longer answers is dropped", async () => {
  const deployment = await start({ pingAfterMs: 400 });
  const client = await RawClient.open(deployment.cloudUrl);
  client.socket.on("ping", () => undefined);
  client.socket.pong = () => undefined;
  expect((await client.closed).code).toBe(1006);
});

test("an idle client hears from the server, and stays", async () => {
  const deployment = await start({ pingAfterMs: 2_000 });
  const client = await RawClient.open(deployment.cloudUrl);
  await eventually(
    () => client.received.filter(({ type }) => type === "Ping").length,
    (pings) => pings >= 2,
  );
  expect(client.isClosed).toBe(false);
  await client.close();
});

test("connections and the queries of each are limited", async () => {
  const deployment = await start();
  const clients = [];
  for (let i = 0; i < 4; i++) clients.push(await RawClient.open(deployment.cloudUrl));
  const refused = await RawClient.open(deployment.cloudUrl, { connect: false });
  expect((await refused.closed).code).toBe(1006);
  const [client] = clients;
  for (let id = 0; id < 4; id++) client?.subscribe("other:greeting", {}, id);
  const fatal = await client?.next(({ type }) => type === "FatalError");
  expect(fatal?.["error"]).toContain("at most 3 queries");
  await Promise.all(clients.map((each) => each.close()));
});
