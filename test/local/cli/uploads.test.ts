/** Uploads that nobody finishes, and contents that are made to be too much. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTable } from "../../../scripts/local/transfer/readUpload";
import { Uploads } from "../../../scripts/local/transfer/uploads";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-uploads-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (text: string): Readable => Readable.from([Buffer.from(text)]);

test("uploads that were given up block nobody, and do not collect on the disk", async () => {
  const uploads = new Uploads(folder);
  const busy = await uploads.start();
  const idle = await uploads.start();
  for (let given = 0; given < 8; given++) await uploads.start();
  await uploads.part(busy, 1, bytes("a"));
  await uploads.start();
  await uploads.part(busy, 2, bytes("b"));
  await expect(uploads.part(idle, 1, bytes("a"))).rejects.toThrow("no such upload");
  expect(await readdir(folder)).toHaveLength(10);
});

test.each(["\n", "\r\n"])("lines end with %j, also within a character's bytes", async (end) => {
  const file = path.join(folder, "lines");
  await writeFile(file, `{"text":"${"☃".repeat(50_000)}"}${end}${end}{"text":"last"}`);
  const table = { name: "notes", validator: null };
  const { tables } = await readTable(file, "jsonLines", table, folder);
  expect(tables[0]?.rows).toBe(2);
});

test("a line that no document could fill is refused before it fills the memory", async () => {
  const file = path.join(folder, "long");
  await writeFile(file, `{"text":"${"x".repeat(20_000_000)}"}`);
  const reading = readTable(file, "jsonLines", { name: "notes", validator: null }, folder);
  await expect(reading).rejects.toThrow("A line is longer than 8388608 characters");
});
