/** Stores whose bytes are not those that were written. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineTable } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";

import { collect, exportSchema, indexQuery, newFolder, openIn, read, write } from "./setup";

const ROWS = 700;
const PAGE = 4096;
const tables = { t: defineTable({ n: v.number(), text: v.string() }).index("by_n", ["n"]) };
const all = indexQuery("t.by_n");
const storeOf = (folder: string): string => join(folder, "store", "data.mdb");

async function filledFolder(): Promise<string> {
  const folder = newFolder();
  const database = await openIn(folder);
  await database.applySchema(exportSchema(tables));
  for (let from = 0; from < ROWS; from += 100) {
    await write(database, (tx) => {
      for (let n = from; n < from + 100; n++) tx.insert("t", { n, text: "x".repeat(300) });
    });
  }
  await database.close();
  return folder;
}

/** Another folder with the same store, in which `change` has changed bytes. */
function damagedCopy(folder: string, change: (bytes: Buffer) => Buffer): string {
  const copy = newFolder();
  const bytes = change(Buffer.from(readFileSync(storeOf(folder))));
  const store = join(copy, "store");
  mkdirSync(store);
  writeFileSync(storeOf(copy), bytes);
  return copy;
}

/** What a list of all rows gives, or how it is refused. */
async function listed(folder: string): Promise<number[] | "refused"> {
  try {
    const database = await openIn(folder);
    return (await read(database, (tx) => collect(tx, all))).map(({ n }) => n as number);
  } catch {
    // In whatever words: a bit can turn in any of them.
    return "refused";
  }
}
const everyRow = Array.from({ length: ROWS }, (_, n) => n);

describe("a store that", () => {
  test("was cut is refused at the start in one line, which names both ways out", async () => {
    const whole = await filledFolder();
    for (const part of [0.2, 0.5, 0.9, 0.999]) {
      const folder = damagedCopy(whole, (bytes) =>
        bytes.subarray(0, Math.max(2 * PAGE, bytes.length * part)),
      );
      await expect(openIn(folder)).rejects.toThrow(
        /^the store in .* is damaged: .*beyond the end of the file\. .*npm run restore.*--repair\)$/,
      );
    }
  });

  test("lost any one of its pages gives all rows or none", async () => {
    const whole = await filledFolder();
    const pages = statSync(storeOf(whole)).size / PAGE;
    for (let page = 2; page < pages; page += 3) {
      const folder = damagedCopy(whole, (bytes) => bytes.fill(0, page * PAGE, (page + 1) * PAGE));
      expect(["refused", everyRow]).toContainEqual(await listed(folder));
    }
  });

  test("has bits that have turned never gives fewer rows", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const whole = await filledFolder();
    const { size } = statSync(storeOf(whole));
    const flips = fc.array(
      fc.tuple(fc.integer({ min: 2 * PAGE, max: size - 1 }), fc.integer({ min: 0, max: 7 })),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(flips, async (turned) => {
        const folder = damagedCopy(whole, (bytes) => {
          for (const [at, bit] of turned) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        });
        const rows = await listed(folder);
        expect(rows === "refused" || rows.length === ROWS).toBe(true);
      }),
      { numRuns: 40, seed: 20 },
    );
  });
});
