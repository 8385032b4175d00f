import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";

let folder = "";
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

type Told = { kept: number; found: number; refusals: string[]; unhandled: string[] };

test("a commit that the disk refuses is told to who waits for it, and to nobody else", async () => {
  folder = await mkdtemp(join(tmpdir(), "freehold-full-"));
  const script = join(import.meta.dirname, "fullFile.child.ts");
  // No file may grow beyond a few MiB: LMDB's own write fails, as it does on a disk that is full.
  const limited = `trap "" XFSZ; ulimit -f 4096; exec "$0" --import tsx "$1" "$2"`;
  const { stdout } = await promisify(execFile)("sh", [
    ...["-c", limited, process.execPath],
    ...[script, folder],
  ]);
  const told = JSON.parse(stdout.trim()) as Told;
  expect(told.kept).toBeGreaterThan(0);
  expect(told.found).toBe(told.kept);
  expect(told.refusals).toEqual([
    expect.stringMatching(/^Cannot write to the disk: \S/) as string,
    expect.stringMatching(/^Cannot write to the disk: \S/) as string,
  ]);
  expect(told.unhandled).toEqual([]);
});
