/** Actions of `"use node"` modules, which run in a thread of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleFunctions } from "../../../scripts/local/runtime/bundle";
import { NodeThread } from "../../../scripts/local/runtime/node/nodeThread";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { type Client, clientOf, FUNCTIONS, rejectionOf } from "./fixture";

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
  client = clientOf(server.cloudUrl);
}, 60_000);
afterAll(async () => server.remove());

const linesOf = (name: string, count: number): Promise<Record<string, unknown>[]> =>
  eventually(
    () => server.logs().filter((line) => line["function"] === name),
    (found) => found.length >= count,
  );

describe("what an action asks of its host", () => {
  test("is answered in the context of its request", async () => {
    const result = (await client.action("nodeActions:metadataOf")) as Record<string, unknown>;
    expect(result["action"]).toMatchObject({ ip: "127.0.0.1", scheduledFunctionId: null });
    expect(result["mutation"]).toEqual(result["action"]);
    expect(result["function"]).toMatchObject({ name: "nodeActions:metadataOf", type: "action" });
  });

  test("is not mixed up between many at once", async () => {
    const texts = Array.from({ length: 30 }, (_, i) => `text ${i}`);
    await Promise.all(texts.map((text) => client.mutation("notes:add", { author: text, text })));
    const hashes = await Promise.all(
      texts.map((text) => client.action("nodeActions:hash", { text })),
    );
    expect(new Set(hashes).size).toBe(30);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}:1:$/);
  });

  test("may be to schedule", async () => {
    await client.action("nodeActions:schedule", { source: "from node" });
    await eventually(
      () => client.query("ticks:count", { source: "from node" }),
      (count) => count === 1,
    );
  });
});

describe("errors and logs", () => {
  test("ConvexError data crosses both ways intact", async () => {
    const data = { code: "taken", at: [1n, null, { deep: -0 }] };
    const error = await rejectionOf(client.action("nodeActions:passOn", { data }));
    expect(error).toBeInstanceOf(ConvexError);
    expect(error.data).toEqual({ passedOn: data });
  });

  test("an uncaught error is logged by source line, and not told", async () => {
    const error = await rejectionOf(client.action("nodeActions:crash"));
    expect(error.message).toMatch(/^\[Request ID: [0-9a-f]{16}\] Server Error$/);
    const [line] = await linesOf("nodeActions:crash", 1);
    expect(line?.["message"]).toBe("Uncaught TypeError: the secret reason in Node");
    expect(line?.["stack"]).toMatch(/fixture\/convex\/nodeActions\.ts:\d+:\d+/);
    expect(line?.["stack"]).not.toContain("node-thread");
  });

  test("console lines are those of the function", async () => {
    await client.action("nodeActions:log");
    const lines = await linesOf("nodeActions:log", 2);
    expect(lines).toMatchObject([
      { level: "info", message: "plain { a: 1 }" },
      { level: "warn", message: "structured", traceId: "t2" },
    ]);
    expect(lines[0]?.["requestId"]).toMatch(/^[0-9a-f]{16}$/);
  });

  test("what an action leaves behind ends no other", async () => {
    const other = client.action("nodeActions:hash", { text: "beside" });
    await client.action("nodeActions:leaveBehind");
    await eventually(
      () => server.stdout(),
      (printed) => printed.includes("Not caught by any action: Error: left behind"),
    );
    expect(await other).toMatch(/^[0-9a-f]{64}/);
  });
});

describe("the thread", () => {
  test("is busy alone: queries are answered meanwhile", async () => {
    const spinning = client.action("nodeActions:spin", { ms: 1_500 });
    const begun = performance.now();
    for (let turn = 0; turn < 5; turn++) await client.query("notes:list", { author: "nobody" });
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(await spinning).toBe("spun");
  });

  test("may die: the actions under way fail and say why, the next one runs", async () => {
    await rejectionOf(client.action("nodeActions:exit"));
    const [line] = await linesOf("nodeActions:exit", 1);
    expect(line?.["message"]).toBe(
      "The thread of Node actions ended while this one ran (exit code 3)",
    );
    expect(await client.action("nodeActions:spin", { ms: 0 })).toBe("spun");
  });

  test("is ended when an action overruns its time, and when the deployment stops", async () => {
    const into = await mkdtemp(path.join(tmpdir(), "freehold-thread-"));
    try {
      const bundle = await bundleFunctions(FUNCTIONS, into);
      const module = bundle.modules.find((found) => found.path === "nodeActions");
      if (module === undefined) throw new Error("The fixture has no nodeActions");
      const thread = new NodeThread(bundle, {}, 1_000);
      const spin = (ms: number): Promise<string> =>
        thread.run(module, "nodeActions:spin", JSON.stringify([{ ms }]));
      const overrun = await rejectionOf(spin(60_000));
      expect(overrun.message).toContain("nodeActions:spin has run for more than 1s");
      expect(await spin(0)).toBe('"spun"');
      const cutOff = rejectionOf(spin(60_000));
      await thread.close();
      expect((await cutOff).message).toContain("the deployment is stopping");
      expect((await rejectionOf(spin(0))).message).toContain("the deployment is stopping");
    } finally {
      await rm(into, { recursive: true, force: true });
    }
  });
});
