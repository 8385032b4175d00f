/** `npm run backup` and `npm run restore`, beside a server that goes on writing, and killed halfway. */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backUp, restore } from "../../../scripts/local/backup";
import { finishReplacing } from "../../../scripts/local/replaceFolder";
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

/** Ends the process, as kill -9 does, instead of a call of that function of `fs/promises`. */
function killedAt(call: string, count: number): string {
  const code = `
    import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    const real = fs.${call};
    let left = ${count};
    fs.${call} = (...args) => --left === 0 ? process.kill(process.pid, "SIGKILL") : real(...args);
    syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

async function runKilled(at: string, script: string, ...flags: string[]): Promise<void> {
  const args = ["--import", "tsx", "--import", at, script, ...flags];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: "ignore" });
  expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
}

/** The hash of every file but those that say who uses the folder. */
async function contentsOf(data: string): Promise<Record<string, string>> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const contents = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name))
    .filter((file) => !/[/\\]lock[/\\]|lock\.mdb$/.test(file))
    .map(async (file): Promise<[string, string]> => {
      const hash = createHash("sha256").update(await readFile(file));
      return [path.relative(data, file), hash.digest("hex")];
    });
  return Object.fromEntries(await Promise.all(contents));
}

describe("killed halfway", () => {
  const to = (): string => path.join(folder, "whole");
  beforeAll(async () => {
    await clientOf(server.cloudUrl).mutation("notes:add", { author: "kept", text: "whole" });
    await backUp(server.data, to());
  });

  test("a backup is not there, and the next one is whole", async () => {
    const cut = path.join(folder, "cut");
    const flags = ["--to", cut, "--data", server.data];
    await runKilled(killedAt("copyFile", 1), "scripts/backup.ts", ...flags);
    expect(await readdir(folder)).not.toContain("cut");
    await backUp(server.data, cut);
    expect(await readdir(cut)).toContain("backup.json");
    expect(await draftsOf("cut")).toEqual([]);
  });

  const draftsOf = async (name: string): Promise<string[]> =>
    (await readdir(folder)).filter((entry) => entry.startsWith(`${name}.partial-`));

  test("a restore leaves nothing behind once another begins, or npm start", async () => {
    const flags = (name: string): string[] => ["--from", to(), "--data", path.join(folder, name)];
    for (const name of ["again", "begun"]) {
      await runKilled(killedAt("copyFile", 2), "scripts/restore.ts", ...flags(name));
      expect(await draftsOf(name)).toHaveLength(1);
    }
    await restore(to(), path.join(folder, "again"), false);
    expect(await draftsOf("again")).toEqual([]);
    const data = path.join(folder, "begun");
    const begun = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], data });
    await begun.stop();
    expect(await draftsOf("begun")).toEqual([]);
  });

  test.concurrent.each([
    ["while it copies", "copyFile", 2, "old"],
    ["before it is written down that all is there", "rename", 1, "old"],
    ["before the old folder is put aside", "rename", 2, "new"],
    ["between the two", "rename", 3, "new"],
    ["before the note is taken away", "rm", 1, "new"],
  ] as const)(
    "a restore over another folder, %s, leaves one of them",
    async (_when, call, n, which) => {
      const data = path.join(folder, `restored at ${call} ${n}`);
      await restore(to(), data, false);
      await writeFile(path.join(data, "old"), "of the old folder alone");
      const old = await contentsOf(data);
      const flags = ["--from", to(), "--data", data, "--force", "yes"];
      await runKilled(killedAt(call, n), "scripts/restore.ts", ...flags);

      expect(await finishReplacing(data)).toBe(which === "new");
      const { old: _, ...fresh } = old;
      expect(await contentsOf(data)).toEqual(which === "new" ? fresh : old);
    },
  );

  test("npm start completes a restore, and runs on what was restored", async () => {
    const data = path.join(folder, "started");
    await restore(to(), data, false);
    await rm(path.join(data, "database"), { recursive: true });
    const flags = ["--from", to(), "--data", data, "--force", "yes"];
    await runKilled(killedAt("rename", 3), "scripts/restore.ts", ...flags);
    const started = await startServer({ functions: FUNCTIONS, flags: ["--no-demo"], data });
    const notes = await clientOf(started.cloudUrl).query("notes:list", { author: "kept" });
    expect(notes).toMatchObject([{ text: "whole" }]);
    await started.stop();
  });
});
