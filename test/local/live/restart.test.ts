/** Lost connections, restarted servers, requests that come twice. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { clientOf } from "../runtime/fixture";
import { FUNCTIONS, LiveClient } from "./client";
import { RawClient } from "./raw";

let data: string;
let server: TestServer;
const clients: LiveClient[] = [];

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-live-"));
  server = await start("0");
});
afterAll(async () => {
  await server.kill();
  await rm(data, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

async function start(port: string): Promise<TestServer> {
  const flags = ["--no-demo", "--cloud-port", port];
  return await startServer({ data, functions: FUNCTIONS, flags });
}

/** On the same port, so that clients find it again. */
async function restart(how: "stop" | "kill"): Promise<void> {
  await server[how]();
  server = await start(new URL(server.cloudUrl).port);
}

function connect(): LiveClient {
  const client = new LiveClient(server.cloudUrl);
  clients.push(client);
  return client;
}

test.each(["stop", "kill"] as const)(
  "a subscription goes on after the server's %s",
  async (how) => {
    const client = connect();
    const list = `goes on after ${how}`;
    const heard = client.subscribe<string[]>("items:list", { list });
    await client.mutation("items:add", { list, n: 1, text: "before" });
    await restart(how);
    await clientOf(server.cloudUrl).mutation("items:add", { list, n: 2, text: "after" });
    await heard.until((texts) => texts.length === 2);
    // A client that is back before the write hears the state it left once more.
    const changes = heard.values.filter(
      (texts, i) => !isDeepStrictEqual(texts, heard.values[i - 1]),
    );
    expect(changes).toEqual([[], ["before"], ["before", "after"]]);
  },
);

test("mutations that a kill interrupts are all run, once each and in order", async () => {
  const client = connect();
  const texts = Array.from({ length: 60 }, (_, i) => `t${i}`);
  const list = "interrupted";
  const counts = Promise.all(texts.map((text) => client.mutation("items:append", { list, text })));
  const witness = clientOf(server.cloudUrl);
  await eventually(
    () => witness.query("items:list", { list }),
    (found) => (found as string[]).length > 5,
  );
  await restart("kill");
  expect(await counts).toEqual(texts.map((_, i) => i + 1));
  expect(await clientOf(server.cloudUrl).query("items:list", { list })).toEqual(texts);
});

test("a request sent again is answered as before and not run again, also by another process", async () => {
  const first = await RawClient.open(server.cloudUrl);
  first.mutate(0, "items:append", { list: "again", text: "once" });
  first.mutate(1, "items:stamp", {});
  first.mutate(2, "items:verbose", { list: "verbose", characters: 1_000_000 });
  const before = [await first.answerTo(0), await first.answerTo(1), await first.answerTo(2)];
  expect(before[0]).toMatchObject({ success: true, result: 1 });
  expect(before[1]?.["result"]).toEqual({ $integer: before[1]?.["ts"] });
  await first.close();
  const { sessionId } = first;
  for (const restarted of [false, true]) {
    if (restarted) await restart("kill");
    const second = await RawClient.open(server.cloudUrl, { sessionId });
    second.mutate(0, "items:append", { list: "again", text: "once" });
    second.mutate(1, "items:stamp", {});
    second.mutate(2, "items:verbose", { list: "verbose", characters: 1_000_000 });
    expect([await second.answerTo(0), await second.answerTo(1), await second.answerTo(2)]).toEqual(
      before,
    );
    // The client waits to see the effects, which are there already.
    await second.next(({ type }) => type === "Transition");
    await second.close();
  }
  const http = clientOf(server.cloudUrl);
  expect(await http.query("items:list", { list: "again" })).toEqual(["once"]);
  expect(await http.query("items:list", { list: "verbose" })).toEqual(["said"]);
});

test("a request that failed is run again, for it has left nothing behind", async () => {
  const client = await RawClient.open(server.cloudUrl);
  client.mutate(0, "items:refuse", { list: "failed" });
  expect(await client.answerTo(0)).toMatchObject({
    success: false,
    errorData: { code: "REFUSED" },
  });
  await client.close();
  const again = await RawClient.open(server.cloudUrl, { sessionId: client.sessionId });
  again.mutate(0, "items:append", { list: "failed", text: "now" });
  expect(await again.answerTo(0)).toMatchObject({ success: true, result: 1 });
  await again.close();
});

test("an action whose connection is lost fails at the client and is not run again", async () => {
  const client = connect();
  const outcome = client.action("other:shout", { text: "once only", ms: 60_000 }).then(
    () => "answered",
    (error: unknown) => String(error),
  );
  const shouts = (): number => server.logs().filter((line) => line["text"] === "once only").length;
  await eventually(shouts, (count) => count === 1);
  await restart("kill");
  expect(await outcome).toContain("Connection lost while action was in flight");
  expect(await client.mutation("items:nothing")).toBe("nothing written");
  expect(shouts()).toBe(0);
});

test("a server that stops answers what is under way first", async () => {
  const client = await RawClient.open(server.cloudUrl);
  client.send({
    type: "Action",
    requestId: 0,
    udfPath: "other:shout",
    args: [{ text: "bye", ms: 500 }],
  });
  await eventually(
    () => server.logs(),
    (lines) => lines.some((line) => line["text"] === "bye"),
  );
  const restarted = restart("stop");
  expect(await client.answerTo(0)).toMatchObject({ success: true, result: "BYE" });
  expect(await client.closed).toMatchObject({ code: 1001 });
  await restarted;
});
