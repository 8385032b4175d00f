/** The official `ConvexClient` of Node, unmodified, against a server process of its own. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { rejectionOf } from "../runtime/fixture";
import { FUNCTIONS, LiveClient } from "./client";

let server: TestServer;
const clients: LiveClient[] = [];

beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
});
afterAll(() => server.remove());
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

function connect(): LiveClient {
  const client = new LiveClient(server.cloudUrl);
  clients.push(client);
  return client;
}

let fences = 0;

/** How often the list has been read so far: the log is complete up to a line of our own. */
async function runsOf(list: string): Promise<number> {
  const runs = (of: string): number =>
    server.logs().filter((line) => line["message"] === "ran" && line["list"] === of).length;
  const fence = `fence ${fences++}`;
  connect().subscribe("items:list", { list: fence });
  await eventually(
    () => runs(fence),
    (count) => count === 1,
  );
  return runs(list);
}

describe("a subscription", () => {
  test("has the result at once, and every change of it, also those of others", async () => {
    const [reader, writer] = [connect(), connect()];
    const heard = reader.subscribe<string[]>("items:list", { list: "seen" });
    await heard.until((texts) => texts.length === 0);
    await writer.mutation("items:add", { list: "seen", n: 1, text: "one" });
    await heard.until((texts) => texts.length === 1);
    await reader.mutation("items:add", { list: "seen", n: 2, text: "two" });
    expect(heard.values).toEqual([[], ["one"], ["one", "two"]]);
  });

  test("does not run when a commit touches only what others read", async () => {
    const client = connect();
    const heard = client.subscribe<string[]>("items:list", { list: "quiet" });
    await heard.until(() => true);
    for (let n = 0; n < 5; n++) {
      await client.mutation("items:add", { list: "loud", n, text: "noise" });
    }
    await client.mutation("items:add", { list: "quiet", n: 0, text: "sound" });
    await heard.until((texts) => texts.length === 1);
    expect(await runsOf("quiet")).toBe(2);
  });

  test("runs once for all who hold it", async () => {
    const holders = [connect(), connect(), connect()];
    const all = holders.map((client) => client.subscribe<string[]>("items:list", { list: "many" }));
    for (const heard of all) await heard.until(() => true);
    expect(await runsOf("many")).toBe(1);
    await holders[0]?.mutation("items:add", { list: "many", n: 1, text: "one" });
    for (const heard of all) await heard.until((texts) => texts.length === 1);
    expect(await runsOf("many")).toBe(2);
  });

  test("is not told of a result that has not changed", async () => {
    const client = connect();
    const heard = client.subscribe<string>("items:first", { list: "same" });
    await eventually(
      () => heard.errors.length,
      (errors) => errors === 1,
    );
    expect(heard.errors[0]?.data).toEqual({ code: "EMPTY", list: "same" });
    const id = (await client.mutation("items:add", { list: "same", n: 1, text: "one" })) as string;
    await heard.until((text) => text === "one");
    await client.mutation("items:rename", { id, text: "one" });
    await client.mutation("items:add", { list: "same", n: 2, text: "two" });
    await client.mutation("items:rename", { id, text: "uno" });
    await heard.until((text) => text === "uno");
    expect(heard.values).toEqual(["one", "uno"]);
  });

  test("follows a document, a search and a total", async () => {
    const client = connect();
    const id = (await client.mutation("items:add", {
      list: "kinds",
      n: 1,
      text: "blue sky",
    })) as string;
    const document = client.subscribe<string | null>("items:get", { id });
    const search = client.subscribe<string[]>("items:search", { list: "kinds", text: "blue" });
    await document.until((text) => text === "blue sky");
    await search.until((texts) => texts.length === 1);
    await client.mutation("items:add", { list: "kinds", n: 2, text: "blue sea" });
    await search.until((texts) => texts.length === 2);
    await client.mutation("items:rename", { id, text: "grey sky" });
    expect(document.last).toBe("grey sky");
    expect(search.last).toEqual(["blue sea"]);
    await client.mutation("items:remove", { id });
    expect(document.last).toBeNull();
  });

  test("of an unknown, internal or wrongly called function fails alone", async () => {
    const client = connect();
    const good = client.subscribe<string>("other:greeting");
    const bad = [
      client.subscribe("other:missing"),
      client.subscribe("other:secret"),
      client.subscribe("items:list", { list: 7 }),
    ];
    for (const heard of bad) {
      await eventually(
        () => heard.errors.length,
        (errors) => errors === 1,
      );
    }
    expect(bad[2]?.errors[0]?.message).toContain("ArgumentValidationError");
    await good.until((text) => text === "hello");
  });
});

describe("a mutation", () => {
  test("of one client runs after those it sent before, and has its effects shown when it resolves", async () => {
    const client = connect();
    const heard = client.subscribe<string[]>("items:list", { list: "order" });
    const texts = Array.from({ length: 20 }, (_, i) => `t${i}`);
    const counts = await Promise.all(
      texts.map((text) => client.mutation("items:append", { list: "order", text })),
    );
    expect(counts).toEqual(texts.map((_, i) => i + 1));
    expect(heard.last).toEqual(texts);
  });

  test("that fails has its error, and that writes nothing resolves", async () => {
    const client = connect();
    const error = await rejectionOf(client.mutation("items:refuse", { list: "refused" }));
    expect(error.data).toEqual({ code: "REFUSED" });
    const invalid = await rejectionOf(client.mutation("items:add", { list: "refused" }));
    expect(invalid.message).toContain("ArgumentValidationError");
    expect(await client.mutation("items:nothing")).toBe("nothing written");
  });
});

describe("an action", () => {
  test("runs beside mutations", async () => {
    const client = connect();
    const shouting = client.action("other:shout", { text: "hey", ms: 200 });
    expect(await client.mutation("items:nothing")).toBe("nothing written");
    expect(await shouting).toBe("HEY");
  });
});

test("a result of many megabytes arrives whole", async () => {
  const client = connect();
  const heard = client.subscribe<string>("other:long", { characters: 3_000_000 });
  const text = await heard.until(() => true);
  expect(text).toBe("😀".repeat(1_500_000));
});
