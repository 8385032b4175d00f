/** `npm run backup` and `npm run restore`, beside a server that goes on writing. */
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backUp, restore } from "../../../scripts/local/backup";
import { startServer, type TestServer } from "../../helpers/server";
import { adminKeyOf, clientOf, FUNCTIONS } from "../runtime/fixture";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-backup-"));
  server = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"] });
}, 60_000);
afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

test("a backup under load is a state that was, and its server goes on from there", async () => {
  const client = clientOf(server.cloudUrl);
  const note = (text: number) => client.mutation("notes:add", { author: "load", text: `${text}` });
  for (let text = 0; text < 50; text++) await note(text);
  let written = 50;
  let stopped = false;
  const load = (async () => {
    while (!stopped) await note(written++);
  })();
  const to = path.join(folder, "backup");
  await backUp(server.data, to);
  stopped = true;
  await load;

  const data = path.join(folder, "restored");
  await restore(to, data, false);
  const restored = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], data });
  try {
    const notes = (await clientOf(restored.cloudUrl).query("notes:list", { author: "load" })) as {
      text: string;
    }[];
    // Written one after another, so each state has the first so many of them.
    expect(notes.map(({ text }) => Number(text))).toEqual(notes.map((_, index) => index));
    expect(notes.length).toBeGreaterThanOrEqual(50);
    const owner = clientOf(restored.cloudUrl, adminKeyOf(server.data));
    expect(await owner.query("notes:secret")).toBe("for admins");
    await expect(restore(to, data, true)).rejects.toThrow(
      /in use by another server \(process \d+\)/,
    );
  } finally {
    await restored.stop();
  }
}, 60_000);

test("a damaged backup and a folder that is not empty are refused, and nothing is left behind", async () => {
  const to = path.join(folder, "damaged");
  await backUp(server.data, to);
  await expect(backUp(server.data, to)).rejects.toThrow("exists already");
  await expect(restore(to, server.data, false)).rejects.toThrow("is not empty");
  await appendFile(path.join(to, "admin.key"), "x");
  await expect(restore(to, path.join(folder, "never"), false)).rejects.toThrow(
    "damaged: admin.key",
  );
  expect((await readdir(folder)).filter((name) => /never|partial/.test(name))).toEqual([]);
});

test("--admin-key prints the key while the server runs", async () => {
  const args = ["scripts/launch.js", "--data", server.data, "--admin-key"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  expect(stdout).toBe(`${adminKeyOf(server.data)}\n`);
}, 30_000);
