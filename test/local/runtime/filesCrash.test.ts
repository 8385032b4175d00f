/** Rows and bytes of stored files stay in step when the server is killed. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startServer, type TestServer } from "../../helpers/server";
import { type Client, clientOf, FUNCTIONS } from "./fixture";

const KILLS = 3;
const WRITERS = 4;

let data: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  data = await mkdtemp(path.join(tmpdir(), "freehold-files-"));
});
afterAll(async () => {
  await server.kill();
  await rm(data, { recursive: true, force: true });
});

/** What the server has acknowledged to hold, by id, and what it may or may not have deleted. */
const stored = new Map<string, string>();
const uncertain = new Set<string>();

async function start(): Promise<void> {
  server = await startServer({ data, functions: FUNCTIONS, flags: ["--no-demo"] });
  client = clientOf(server.cloudUrl);
}

/** Uploads and deletes until the server is gone. */
async function write(writer: string): Promise<void> {
  const url = (await client.mutation("files:uploadUrl")) as string;
  for (let i = 0; ; i++) {
    try {
      const body = `${writer} ${i} ${"x".repeat(i * 1_000)}`;
      const response = await fetch(url, { method: "POST", body });
      const { storageId: id } = (await response.json()) as { storageId: string };
      stored.set(id, body);
      if (i % 2 === 0) continue;
      uncertain.add(id);
      await client.mutation("files:remove", { id });
      uncertain.delete(id);
      stored.delete(id);
    } catch {
      return;
    }
  }
}

test("a killed server has every file that it acknowledged, and no other", async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    await start();
    const before = stored.size;
    const writers = Array.from({ length: WRITERS }, (_, i) => write(`${kill}-${i}`));
    await eventually(
      () => stored.size,
      (size) => size >= before + 20,
    );
    await server.kill();
    await Promise.all(writers);
    // As of an upload between its name and its row.
    await writeFile(path.join(data, "storage/files", `leftover${kill}`), "left over");
  }
  await start();
  expect(await readdir(path.join(data, "storage/incoming"))).toEqual([]);
  const rows = (await client.query("files:all")) as string[];
  await eventually(
    async () => (await readdir(path.join(data, "storage/files"))).sort(),
    (files) => files.join() === [...rows].sort().join(),
  );
  for (const [id, body] of stored) {
    if (uncertain.has(id) && !rows.includes(id)) continue;
    const url = (await client.query("files:url", { id })) as string;
    expect(await (await fetch(url)).text()).toBe(body);
  }
}, 60_000);
