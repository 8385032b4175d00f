import { createServer, type Server } from "node:http";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, failToStart, startServer, type TestServer } from "../../helpers/server";
import { clientOf, FUNCTIONS } from "./fixture";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let folder: string;
let data: string;
const servers: TestServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-start-"));
  data = path.join(folder, "data");
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill();
  await rm(folder, { recursive: true, force: true });
});

async function start(flags: string[] = [], functions = FUNCTIONS): Promise<TestServer> {
  const server = await startServer({ data, functions, flags });
  servers.push(server);
  return server;
}

/** A project of its own with the fixture's functions, to be spoiled. */
async function project(): Promise<string> {
  const functions = path.join(folder, "convex");
  await cp(FUNCTIONS, functions, { recursive: true });
  await writeFile(path.join(folder, "package.json"), '{"name":"project","type":"module"}');
  await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  return functions;
}

describe("the first start", () => {
  test("makes a demo, shows it once, keeps it for the owner alone", async () => {
    const server = await start();
    const demo = (await server.readJson("demo.json")) as Record<string, unknown>;
    expect(demo).toMatchObject({
      apiKey: "fh_fixture",
      staff: { email: "owner@demo.example", sessionToken: "fh_session_fixture" },
      siteUrl: server.siteUrl,
      cloudUrl: server.cloudUrl,
    });
    expect(server.stdout()).toContain("fh_fixture");
    expect(server.stdout()).not.toContain("\u001b[");
    for (const file of ["demo.json", "admin.key", "encryption.key"]) {
      expect((await stat(path.join(data, file))).mode & 0o777).toBe(0o600);
    }
    await server.stop();

    const again = await start();
    expect(again.stdout()).not.toContain("fh_fixture");
    expect(await again.readJson("demo.json")).toEqual({
      ...demo,
      siteUrl: again.siteUrl,
      cloudUrl: again.cloudUrl,
    });
    const notes = await clientOf(again.cloudUrl).query("notes:list", { author: "bootstrap" });
    expect(notes).toHaveLength(1);
  }, 60_000);

  test("a demo whose file was deleted on purpose is not made again", async () => {
    await (await start()).stop();
    await unlink(path.join(data, "demo.json"));
    const again = await start();
    expect(await readdir(data)).not.toContain("demo.json");
    expect(again.stdout()).not.toContain("fh_fixture");
  }, 60_000);

  test("a start that was killed at any moment leaves a demo with its file, or makes one anew", async () => {
    const server = await start();
    await server.kill();
    // As if the crash had come between the making of the demo and the writing of its file.
    await unlink(path.join(data, "demo.json"));
    const { openDatabase } = await import("../../../scripts/local/database");
    const database = await openDatabase({ path: path.join(data, "database") });
    await database.mutation(async (tx) => {
      const source = { type: "FullTableScan", tableName: "_runtime", order: "asc" } as const;
      for (const text of tx.system.query({ source, operators: [] })) {
        const { _id } = JSON.parse(text) as { _id: string };
        tx.system.shallowMerge(_id, { value: "begun" });
      }
    });
    await database.close();
    const again = await start();
    expect(await again.readJson("demo.json")).toMatchObject({ apiKey: "fh_fixture" });
    expect(again.stdout()).toContain("fh_fixture");
  }, 60_000);

  test("--no-demo makes none", async () => {
    await start(["--no-demo"]);
    expect(await readdir(data)).not.toContain("demo.json");
  });

  test(".env.local of the project is read, the process's environment wins", async () => {
    const functions = await project();
    await writeFile(path.join(folder, ".env.local"), 'A_VALUE="from the file"\nB_VALUE=file\n');
    const env = { B_VALUE: "process" };
    const server = await startServer({ data, functions, flags: ["--no-demo"], env });
    servers.push(server);
    const client = clientOf(server.cloudUrl);
    expect(await client.query("notes:environment", { name: "A_VALUE" })).toBe("from the file");
    expect(await client.query("notes:environment", { name: "B_VALUE" })).toBe("process");
  });
});

describe("the end", () => {
  test("SIGTERM lets a request in flight finish, then exits with status 0 and leaves no pid file", async () => {
    const server = await start(["--no-demo"]);
    expect(await readdir(data)).toContain("server.pid");
    const waiting = fetch(`${server.siteUrl}/wait?key=last`);
    const keys = async (): Promise<string[]> =>
      (await (await fetch(`${server.siteUrl}/waiting`)).json()) as string[];
    await eventually(keys, (found) => found.includes("last"));
    // A second connection that is open before the end, to let the first one go.
    const release = holdOpen(`${server.siteUrl}/release`);
    await release.connected;
    const exit = server.stop();
    await refused(server.siteUrl);
    release.send("last");
    const response = await waiting;
    expect(await response.text()).toBe("released");
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(await readdir(data)).not.toContain("server.pid");
  }, 60_000);

  test("idle keep-alive connections do not hold it up", async () => {
    const server = await start(["--no-demo"]);
    await (await fetch(`${server.siteUrl}/waiting`)).json();
    const begun = performance.now();
    expect((await server.stop()).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

describe("a start that cannot be says why in one line, with status 1", () => {
  async function refusal(flags: string[], functions = FUNCTIONS, at = data): Promise<string> {
    const { code, stderr } = await failToStart({ data: at, functions, flags });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).not.toMatch(/\n\s+at /);
    return stderr;
  }

  test("a port in use", async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const text = await refusal(["--site-port", String(port)]);
    expect(text).toContain(`port ${port} is in use`);
    expect(text).toContain("--site-port");
    taken.close();
  });

  test("an unwritable data folder", async () => {
    await writeFile(path.join(folder, "file"), "");
    expect(await refusal([], FUNCTIONS, path.join(folder, "file", "data"))).toContain("--data");
    if (process.getuid?.() === 0) return;
    await mkdir(data);
    await chmod(data, 0o500);
    expect(await refusal([])).toContain(data);
  });

  test("a data folder that another server holds", async () => {
    await start(["--no-demo"]);
    expect(await refusal([])).toMatch(/in use|another|locked/i);
  });

  test("no functions folder", async () => {
    expect(await refusal([], path.join(folder, "nowhere"))).toContain("--functions");
  });

  test.each([
    ["a syntax error", "notes.ts", "export const x = ;\n", /convex\/notes\.ts:1:\d+: /],
    [
      "an unknown import",
      "notes.ts",
      'import x from "./nowhere";\nexport default x;\n',
      /notes\.ts:1:\d+: .*nowhere/,
    ],
    [
      "a Node module in the default runtime",
      "notes.ts",
      'import fs from "node:fs";\nexport const x = fs;\n',
      /notes\.ts:1:\d+: .*"use node"/,
    ],
    [
      "a module that throws",
      "notes.ts",
      '\nexport const x = 1;\nthrow new Error("at load");\n',
      /convex\/notes\.ts:3: failed to load: at load/,
    ],
    [
      "a query in a Node file",
      "nodeActions.ts",
      '"use node";\nimport { queryGeneric } from "convex/server";\nexport const q = queryGeneric(async () => null);\n',
      /nodeActions:q is a query in a "use node" file/,
    ],
    [
      "http in Node",
      "http.ts",
      '"use node";\nexport default 1;\n',
      /"use node" directive is not allowed for http/,
    ],
    [
      "a cron job of an unknown function",
      "crons.ts",
      'import { cronJobs, makeFunctionReference } from "convex/server";\nconst c = cronJobs();\nc.cron("bad", "* * * * *", makeFunctionReference<"mutation">("no:where"));\nexport default c;\n',
      /crons: "bad" runs no:where/,
    ],
  ])("%s", async (_what, file, source, pattern) => {
    const functions = await project();
    await writeFile(path.join(functions, file), source);
    expect(await refusal(["--no-demo"], functions)).toMatch(pattern);
  });

  test.each([
    ["an unknown flag", ["--nope"], /--nope/],
    ["a port that is none", ["--site-port", "http"], /--site-port must be a port/],
    ["a probability above 1", ["--inject-conflicts", "2"], /--inject-conflicts/],
    ["a stray argument", ["stray"], /stray/],
  ])("%s", async (_what, flags, pattern) => {
    expect(await refusal(flags)).toMatch(pattern);
  });
});

function holdOpen(url: string): { connected: Promise<void>; send(body: string): void } {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  const body = new ReadableStream<Uint8Array>({
    start: (it) => {
      controller = it;
      it.enqueue(new Uint8Array());
    },
  });
  const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
  const sent = fetch(url, init);
  sent.catch(() => undefined);
  return {
    connected: new Promise((resolve) => setImmediate(resolve)),
    send: (text) => {
      controller?.enqueue(new TextEncoder().encode(text));
      controller?.close();
    },
  };
}

/** Resolves when the server takes no new connections. */
async function refused(url: string): Promise<void> {
  await eventually(
    async () =>
      await fetch(url, { headers: { Connection: "close" } }).then(
        () => true,
        () => false,
      ),
    (answered) => !answered,
  );
}
