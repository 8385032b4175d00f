import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failToStart, startServer } from "../../helpers/server";
import { FUNCTIONS, projectIn } from "./fixture";

let folder: string;
let data: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-start-"));
  data = path.join(folder, "data");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
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
    expect(await refusal([], FUNCTIONS, path.join(folder, "file"))).toContain("--data");
    if (process.getuid?.() === 0) return;
    await mkdir(data);
    await chmod(data, 0o500);
    expect(await refusal([])).toContain(data);
  });

  test("a data folder that another server holds", async () => {
    const holder = await startServer({ data, functions: FUNCTIONS, flags: ["--no-demo"] });
    try {
      expect(await refusal([])).toMatch(/in use|another|locked/i);
      expect((await fetch(`${holder.cloudUrl}/version`)).status).toBe(200);
    } finally {
      await holder.kill();
    }
  });

  test.each(["database", "functions", "admin.key", "encryption.key", "demo.json", "server.pid"])(
    "something else in the place of %s",
    async (name) => {
      await mkdir(data);
      if (["database", "functions"].includes(name)) await writeFile(path.join(data, name), "");
      else await mkdir(path.join(data, name));
      expect(await refusal([])).toContain(path.join(data, name));
    },
  );

  test("data of a newer format", async () => {
    const { openDatabase } = await import("../../../scripts/local/database");
    const { Overlay } = await import("../../../scripts/local/database/overlay");
    const { Store } = await import("../../../scripts/local/database/store");
    await mkdir(data);
    await (await openDatabase({ path: path.join(data, "database") })).close();
    const store = Store.open(path.join(data, "database", "store"));
    await store.write(new Overlay(), new Map([["format", "999"]]), { isById: () => false });
    await store.close();
    expect(await refusal([])).toContain("was written by a newer version (format 999");
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
      "a Node module that throws",
      "nodeActions.ts",
      '"use node";\nexport const x = 1;\nthrow new Error("at load");\n',
      /convex\/nodeActions\.ts:3: failed to load: at load/,
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
    const functions = await projectIn(folder);
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
