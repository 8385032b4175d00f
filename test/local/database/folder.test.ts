import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text as textOf } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../../scripts/local/database/index";
import { Store } from "../../../scripts/local/database/store";
import { Overlay } from "../../../scripts/local/database/overlay";
import { collect, indexQuery, newFolder, openIn, read, write } from "./setup";

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Writes to the database in `folder` until it is killed, and prints what is acknowledged. */
function startWriter(folder: string): ChildProcess & { lines: AsyncIterableIterator<string> } {
  const script = join(import.meta.dirname, "writer.child.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return Object.assign(child, { lines });
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

describe("a folder", () => {
  test("is made if it is missing, and keeps its contents over a restart", async () => {
    const folder = join(newFolder(), "a", "b");
    const before = await openIn(folder);
    const id = await write(before, (tx) => tx.insert("t", { n: 1 }));
    await before.close();
    const after = await openIn(folder);
    expect(await read(after, (tx) => tx.get(id))).toContain('"n":1');
  });

  test("is open once at a time in a process", async () => {
    const folder = newFolder();
    const database = await openIn(folder);
    await expect(openDatabase({ path: folder })).rejects.toThrow("is already open in this process");
    await database.close();
    await openIn(folder);
  });

  test("of something else is refused with one line", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "notes.txt"), "mine");
    const error = await openDatabase({ path: folder }).catch(String);
    expect(error).toMatch(
      /^Error: Cannot use .* it is not empty and holds no Freehold database\.$/,
    );
    const file = join(folder, "notes.txt");
    await expect(openDatabase({ path: file })).rejects.toThrow(/^Cannot use .*$/);
    await expect(openDatabase({ path: join(file, "x") })).rejects.toThrow(/^Cannot use .*$/);
  });

  test("that is another LMDB environment is refused", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, "store"));
    const foreign = Store.open(join(folder, "store"));
    const writes = new Overlay();
    writes.setDocument("x", { text: "{}", size: 2 });
    await foreign.write(writes, new Map(), { isById: () => false });
    await foreign.close();
    await expect(openDatabase({ path: folder })).rejects.toThrow("holds data of another program");
  });

  test("of a newer version is refused", async () => {
    const folder = newFolder();
    const database = await openIn(folder);
    await database.close();
    const store = Store.open(join(folder, "store"));
    await store.write(new Overlay(), new Map([["format", "999"]]), { isById: () => false });
    await store.close();
    await expect(openDatabase({ path: folder })).rejects.toThrow(
      "was written by a newer version (format 999, this one reads 2).",
    );
  });

  test("refuses everything once it is closed, and closes after what is running", async () => {
    const database = await openIn(newFolder());
    const running = write(database, async (tx) => {
      await new Promise(setImmediate);
      return tx.insert("t", {});
    });
    await Promise.all([running, database.close()]);
    await expect(running).resolves.toMatch(/^[0-9a-z]{32}$/);
    await expect(read(database, (tx) => tx.count("t"))).rejects.toThrow("The database is closed.");
  });
});

describe("a server killed in the midst of writing", () => {
  test("has lost nothing it acknowledged, is whole, and has not left the folder locked", async () => {
    const folder = newFolder();
    const acknowledged: string[] = [];
    for (const untilLine of [40, 300]) {
      const child = startWriter(folder);
      for (let line = 0; line < untilLine; line++) {
        const { value } = (await child.lines.next()) as { value: string };
        acknowledged.push(value);
        if (line === 5) {
          await expect(openDatabase({ path: folder })).rejects.toThrow(
            `is in use by another server (process ${child.pid}).`,
          );
        }
      }
      await kill(child);
    }
    const database = await openIn(folder);
    await database.query(async (tx) => {
      for (const id of acknowledged) expect(tx.get(id)).not.toBeNull();
    });
    await database.query(async (tx) => {
      const byTime = collect(tx, indexQuery("t.by_creation_time"));
      const byPair = collect(tx, indexQuery("t.by_pair"));
      expect(tx.count("t")).toBe(byTime.length);
      expect(byTime.length).toBeGreaterThanOrEqual(acknowledged.length);
      // The writer inserts in pairs, so half a mutation would show.
      const pairs = new Map<unknown, number>();
      for (const { pair } of byPair) pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      expect([...new Set(pairs.values())]).toEqual([2]);
      expect(byPair).toHaveLength(byTime.length);
    });
    await database.query(async (tx) => {
      const filters = [{ type: "Search" as const, fieldPath: "text", value: "pair7" }];
      const source = { type: "Search" as const, indexName: "t.find", filters };
      const found = collect(tx, { source, operators: [] }).filter(({ text }) => text === "pair7");
      const listed = collect(tx, indexQuery("t.by_creation_time"));
      expect(found.length).toBe(listed.filter(({ text }) => text === "pair7").length);
    });
  });
});

test("a folder stays locked however often its holder collects its garbage", async () => {
  const folder = newFolder();
  const holder = await openIn(folder);
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  for (let round = 0; round < 5; round++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const refused = async (): Promise<string> => {
    const script = join(import.meta.dirname, "writer.child.ts");
    const args = ["--import", "tsx", script, folder];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    children.push(child);
    const [said] = await Promise.all([textOf(child.stderr), once(child, "exit")]);
    return said;
  };
  expect(await refused()).toContain(`is in use by another server (process ${process.pid}).`);
  await holder.close();
});
