/** Actions of `"use node"` modules, which run in a process of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexError } from "convex/values";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleFunctions } from "../../../scripts/local/runtime/bundle";
import { NodePool, type NodePoolOptions } from "../../../scripts/local/runtime/node/nodePool";
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
    expect(line?.["stack"]).not.toContain("node-process");
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

describe("the process", () => {
  test("is busy alone: queries are answered meanwhile", async () => {
    const ended: string[] = [];
    const spinning = client.action("nodeActions:spin", { ms: 1_500 });
    const spun = spinning.then(() => ended.push("action"));
    for (let turn = 0; turn < 5; turn++) await client.query("notes:list", { author: "nobody" });
    ended.push("queries");
    await spun;
    expect(ended).toEqual(["queries", "action"]);
    expect(await spinning).toBe("spun");
  });

  test("may die: the actions under way fail and say why, the next one runs", async () => {
    await rejectionOf(client.action("nodeActions:exit"));
    const [line] = await linesOf("nodeActions:exit", 1);
    expect(line?.["message"]).toBe(
      "The process of Node actions ended while this one ran (exit code 3)",
    );
    expect(await client.action("nodeActions:spin", { ms: 0 })).toBe("spun");
  });

  test("may abort in native code: that action fails alone, the server and the others go on", async () => {
    const beside = client.action("nodeActions:wait", { ms: 1_000 });
    await rejectionOf(client.action("nodeActions:abort"));
    const [line] = await linesOf("nodeActions:abort", 1);
    expect(line?.["message"]).toMatch(/ended while this one ran \(aborted: native code failed/);
    expect(await client.query("notes:list", { author: "nobody" })).toEqual([]);
    expect(await beside).toBe("waited");
    expect(await client.action("nodeActions:spin", { ms: 0 })).toBe("spun");
  });

  test("ends with the server, also where that is killed", async () => {
    const own = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
    try {
      const pid = (await clientOf(own.cloudUrl).action("nodeActions:pid")) as number;
      expect(pid).not.toBe(own.pid);
      await own.kill();
      await eventually(
        () => isRunning(pid),
        (running) => !running,
      );
    } finally {
      await own.remove();
    }
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the pool of processes", () => {
  let into: string;
  let pool: NodePool;
  beforeEach(async () => {
    into = await mkdtemp(path.join(tmpdir(), "freehold-processes-"));
  });
  afterEach(async () => {
    await pool.close();
    await rm(into, { recursive: true, force: true });
  });

  type Run = (name: string, args?: Record<string, unknown>) => Promise<string>;
  async function poolWith(options: NodePoolOptions): Promise<Run> {
    const bundle = await bundleFunctions(FUNCTIONS, into);
    const module = bundle.modules.find((found) => found.path === "nodeActions");
    if (module === undefined) throw new Error("The fixture has no nodeActions");
    pool = new NodePool(bundle, {}, options);
    return (name, args = {}) => pool.run(module, `nodeActions:${name}`, JSON.stringify([args]));
  }

  test("runs other actions beside one that holds its process, more than there are processes", async () => {
    const run = await poolWith({ processes: 2 });
    const spinning = rejectionOf(run("spin", { ms: 60_000 }));
    const others = await Promise.all(Array.from({ length: 6 }, () => run("spin", { ms: 5 })));
    expect(others).toEqual(Array(6).fill('"spun"'));
    await pool.close();
    expect((await spinning).message).toContain("the deployment is stopping");
    expect((await rejectionOf(run("spin", { ms: 0 }))).message).toContain("is stopping");
  });

  test("fails an action that overruns its time, and no other", async () => {
    const run = await poolWith({ processes: 2, limitMs: 2_000 });
    // Both have loaded the module, so that what is asked of them now begins at once.
    await Promise.all([run("wait", { ms: 300 }), run("wait", { ms: 300 })]);
    const overruns = [run("spin", { ms: 60_000 }), run("wait", { ms: 60_000 })].map(rejectionOf);
    const beside = run("wait", { ms: 500 });
    for (const overrun of overruns) {
      expect((await overrun).message).toMatch(/nodeActions:(spin|wait) has run for more than 2s/);
    }
    expect(await beside).toBe('"waited"');
    expect(await run("spin", { ms: 0 })).toBe('"spun"');
  });

  test("fails an action that needs too much memory, and no other", async () => {
    const run = await poolWith({ processes: 2, memoryMib: 64 });
    const beside = run("wait", { ms: 100 });
    expect((await rejectionOf(run("hoard"))).message).toMatch(/memory limit/);
    expect(await beside).toBe('"waited"');
    expect(await run("spin", { ms: 0 })).toBe('"spun"');
  });

  test("ends processes that have been idle, and those of a drained pool after their actions", async () => {
    const run = await poolWith({ idleMs: 10 });
    await run("spin", { ms: 0 });
    await eventually(
      () => Promise.resolve(pool.size),
      (size) => size === 0,
    );
    const last = run("wait", { ms: 50 });
    await pool.drain();
    expect(await last).toBe('"waited"');
    expect(pool.size).toBe(0);
  });
});
