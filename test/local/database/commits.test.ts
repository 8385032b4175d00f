import { defineTable } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import type { EmbeddedDatabase } from "../../../scripts/local/database/index";
import { Store } from "../../../scripts/local/database/store";
import type { Commit, ReadSet, Transaction } from "../../../scripts/local/database/types";
import {
  collect,
  defined,
  exportSchema,
  indexQuery,
  newFolder,
  openIn,
  openWith,
  parse,
  read,
  write,
} from "./setup";

const tables = {
  t: defineTable({ a: v.number() }).index("by_a", ["a"]),
  other: defineTable({}),
};
const equal = (a: number): ReturnType<typeof indexQuery> =>
  indexQuery("t.by_a", [{ type: "Eq", fieldPath: "a", value: a }]);

describe("mutations", () => {
  test("run one after another, each on what the one before it left", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 0 }));
    await Promise.all(
      Array.from({ length: 50 }, () =>
        database.mutation(async (tx) => {
          const { a } = parse(tx.get(id));
          await new Promise(setImmediate);
          tx.shallowMerge(id, { a: Number(a) + 1 });
        }),
      ),
    );
    expect(await read(database, (tx) => parse(tx.get(id)).a)).toBe(50);
  });

  test("see counts, ranges and documents of commits that are not on disk yet", async () => {
    const database = await openWith(tables);
    const seen: number[][] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        database.mutation(async (tx) => {
          // Some start while a flush runs, some while it ends.
          if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          seen.push([tx.count("t"), collect(tx, indexQuery("t.by_a")).length, i]);
          tx.insert("t", { a: -i });
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => [i, i, i]));
  });

  test("that are acknowledged are seen by every query that starts then", async () => {
    const database = await openWith(tables);
    await Promise.all(
      Array.from({ length: 30 }, async (_, a) => {
        const { value, commitTs } = await database.mutation(async (tx) => tx.insert("t", { a }));
        await read(database, (tx) => {
          expect(tx.get(value)).not.toBeNull();
          expect(tx.snapshotTs).toBeGreaterThanOrEqual(commitTs);
        });
      }),
    );
  });

  test("are on disk before a change of the whole store begins, also those that wait for a flush", async () => {
    const database = await openWith(tables);
    const heard: bigint[] = [];
    database.onCommit(({ ts }) => heard.push(ts));
    const insert = (a: number): Promise<unknown> => write(database, (tx) => tx.insert("t", { a }));
    for (let turn = 0; turn < 20; turn++) {
      const first = insert(1);
      // The first is on its way to the disk when the second commits and the import is asked for.
      await new Promise(setImmediate);
      const second = insert(2);
      const imported = database.importTables([
        { name: "t", number: null, replace: true, documents: [{ a: 3 }] },
      ]);
      await Promise.all([first, second, imported]);
      await insert(4);
      await read(database, (tx) => {
        expect(collect(tx, indexQuery("t.by_a")).map(({ a }) => a)).toEqual([3, 4]);
        expect(collect(tx, indexQuery("t.by_creation_time"))).toHaveLength(2);
        expect(tx.count("t")).toBe(2);
      });
    }
    expect(heard).toEqual([...heard].sort((a, b) => (a < b ? -1 : 1)));
  });

  test("get timestamps that rise, whatever the clock does, also across a restart", async () => {
    const folder = newFolder();
    let clock = 1_000;
    const before = await openIn(folder, () => clock);
    const first = await before.mutation(async (tx) => tx.insert("t", { a: 1 }));
    clock = 10;
    const second = await before.mutation(async (tx) => tx.insert("t", { a: 2 }));
    await before.close();
    clock = 5;
    const after = await openIn(folder, () => clock);
    const third = await after.mutation(async (tx) => tx.insert("t", { a: 3 }));
    expect(first.commitTs).toBe(1_000_000_000n);
    expect(second.commitTs).toBeGreaterThan(first.commitTs);
    expect(third.commitTs).toBeGreaterThan(second.commitTs);
    const times = await read(after, (tx) =>
      [first, second, third].map(({ value }) => Number(parse(tx.get(value))._creationTime)),
    );
    expect(times).toEqual(times.toSorted((x, y) => x - y));
    expect(new Set(times).size).toBe(3);
  });
});

describe("a query", () => {
  test("keeps its snapshot while others commit", async () => {
    const database = await openWith(tables);
    const id = await write(database, (tx) => tx.insert("t", { a: 1 }));
    await database.query(async (tx) => {
      const open = tx.openQuery(indexQuery("t.by_a"));
      for (let a = 2; a < 6; a++) {
        await write(database, (inner) => {
          inner.insert("t", { a });
          inner.shallowMerge(id, { a: 100 + a });
        });
        await read(database, (inner) => inner.count("t"));
      }
      expect(parse(tx.get(id)).a).toBe(1);
      expect(tx.count("t")).toBe(1);
      expect(parse(tx.next(open)).a).toBe(1);
      expect(tx.next(open)).toBeNull();
    });
  });

  test("goes on with the old indexes while the schema changes", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => tx.insert("t", { a: 1 }));
    await database.query(async (tx) => {
      await database.applySchema(exportSchema({ t: defineTable({ a: v.number() }) }));
      expect(collect(tx, equal(1))).toHaveLength(1);
    });
  });
});

describe("a listener", () => {
  test("hears of each commit once, in order, when it is on disk, and of nothing undone", async () => {
    const database = await openWith(tables);
    const heard: Commit[] = [];
    const stop = database.onCommit((commit) => heard.push(commit));
    let reach = (): void => undefined;
    const disk = new Promise<void>((resolve) => (reach = resolve));
    const held = vi.spyOn(Store.prototype, "write").mockImplementationOnce(async function (
      this: Store,
      ...args
    ) {
      await disk;
      held.mockRestore();
      await this.write(...args);
    });
    const written = write(database, (tx) => {
      const savepoint = tx.savepoint();
      tx.insert("t", { a: 9 });
      savepoint.rollback();
      return tx.insert("t", { a: 1 });
    });
    await vi.waitFor(() => {
      expect(held).toHaveBeenCalledOnce();
    });
    expect(heard).toEqual([]);
    reach();
    const id = await written;
    await write(database, (tx) => tx.get(id));
    await write(database, () => Promise.reject(new Error("no"))).catch(() => undefined);
    await Promise.all([
      write(database, (tx) => {
        tx.shallowMerge(id, { a: 2 });
      }),
      write(database, (tx) => {
        tx.remove(id);
      }),
    ]);
    stop();
    await write(database, (tx) => tx.insert("t", { a: 3 }));
    expect(heard.map(({ writes }) => writes.length)).toEqual([1, 1, 1]);
    const states = heard.map(({ writes: [only] }) => [
      only?.table,
      only?.id,
      only?.document == null ? null : parse(only.document).a,
    ]);
    expect(states).toEqual([
      ["t", id, 1],
      ["t", id, 2],
      ["t", id, null],
    ]);
    const times = heard.map(({ ts }) => ts);
    expect(times).toEqual([...new Set(times)].sort((a, b) => (a < b ? -1 : 1)));
  });

  test("that throws harms nobody", async () => {
    const database = await openWith(tables);
    const { error } = console;
    console.error = () => undefined;
    try {
      database.onCommit(() => {
        throw new Error("listener");
      });
      const heard: unknown[] = [];
      database.onCommit(({ writes }) => heard.push(...writes.map(({ id }) => id)));
      const ids = [
        await write(database, (tx) => tx.insert("t", { a: 1 })),
        await write(database, (tx) => tx.insert("t", { a: 2 })),
      ];
      expect(heard).toEqual(ids);
      expect(await read(database, (tx) => tx.count("t"))).toBe(2);
    } finally {
      console.error = error;
    }
  });
});

describe("what a transaction has read", () => {
  async function touched(
    reading: (tx: Transaction, ids: string[]) => unknown,
    writing: (tx: Transaction, ids: string[]) => unknown,
  ): Promise<boolean> {
    const database = await openWith(tables);
    const ids = await write(database, (tx) => [1, 2, 3, 4].map((a) => tx.insert("t", { a })));
    let reads: ReadSet | null = null;
    await read(database, (tx) => {
      reading(tx, ids);
      reads = tx.reads;
    });
    let commit: Commit | null = null;
    database.onCommit((each) => (commit = each));
    await write(database, (tx) => {
      writing(tx, ids);
    });
    return defined<ReadSet>(reads).touchedBy(defined<Commit>(commit));
  }

  test("is touched by writes to it and by no others", async () => {
    const range = (tx: Transaction): unknown => collect(tx, equal(2));
    expect(
      await touched(range, (tx, [, two]) => {
        tx.remove(defined(two));
      }),
    ).toBe(true);
    expect(
      await touched(range, (tx, [one]) => {
        tx.shallowMerge(defined(one), { a: 2 });
      }),
    ).toBe(true);
    expect(await touched(range, (tx) => tx.insert("t", { a: 2 }))).toBe(true);
    expect(await touched(range, (tx) => tx.insert("t", { a: 5 }))).toBe(false);
    expect(await touched(range, (tx) => tx.insert("other", {}))).toBe(false);
    const get = (tx: Transaction, ids: string[]): unknown => tx.get(defined(ids[0]));
    expect(
      await touched(get, (tx, [one]) => {
        tx.shallowMerge(defined(one), { a: 1.5 });
      }),
    ).toBe(true);
    expect(
      await touched(get, (tx, [, two]) => {
        tx.remove(defined(two));
      }),
    ).toBe(false);
  });

  test("of a page ends where the page ended", async () => {
    const page = (tx: Transaction): unknown =>
      tx.page({ query: indexQuery("t.by_a"), cursor: null, pageSize: 2 });
    expect(await touched(page, (tx) => tx.insert("t", { a: 0 }))).toBe(true);
    expect(await touched(page, (tx) => tx.insert("t", { a: 1.5 }))).toBe(true);
    expect(await touched(page, (tx) => tx.insert("t", { a: 9 }))).toBe(false);
  });

  test("is touched by a change of a document that it listed, though its index key stays", async () => {
    const database = await openWith({
      t: defineTable({ a: v.number(), b: v.number() }).index("by_a", ["a"]),
    });
    const id = await write(database, (tx) => tx.insert("t", { a: 1, b: 1 }));
    const reads = await read(database, (tx) => {
      collect(tx, indexQuery("t.by_a"));
      return tx.reads;
    });
    let commit: Commit | null = null;
    database.onCommit((each) => (commit = each));
    await write(database, (tx) => {
      tx.shallowMerge(id, { b: 2 });
    });
    expect(reads.touchedBy(defined<Commit>(commit))).toBe(true);
  });
});

describe("a write that fails", () => {
  test("fails every mutation that counted on it, and the next one starts from what is on disk", async () => {
    const database = await openWith(tables);
    await write(database, (tx) => tx.insert("t", { a: 1 }));
    const failure = vi.spyOn(Store.prototype, "write").mockImplementationOnce(async () => {
      await new Promise(setImmediate);
      throw new Error("The disk is full.");
    });
    const results = await Promise.allSettled(
      [2, 3].map((a) =>
        database.mutation(async (tx) => {
          if (a === 3) await new Promise(setImmediate);
          tx.insert("t", { a });
        }),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    failure.mockRestore();
    await write(database, (tx) => {
      expect(tx.count("t")).toBe(1);
      tx.insert("t", { a: 4 });
    });
    await read(database, (tx) => {
      expect(tx.count("t")).toBe(2);
      expect(collect(tx, indexQuery("t.by_a")).map(({ a }) => a)).toEqual([1, 4]);
    });
  });

  /** A mutation whose flush waits, and fails when it is told to. */
  async function doomed(
    database: EmbeddedDatabase,
  ): Promise<{ lost: Promise<unknown>; fail: () => void }> {
    let fail = (): void => undefined;
    const held = new Promise<void>((resolve) => (fail = resolve));
    const flush = vi.spyOn(Store.prototype, "write").mockImplementationOnce(async () => {
      await held;
      flush.mockRestore();
      throw new Error("The disk is full.");
    });
    const lost = database.mutation(async (tx) => tx.insert("t", { a: 2 }));
    await vi.waitFor(() => {
      expect(flush).toHaveBeenCalledOnce();
    });
    return { lost, fail };
  }
  const valuesIn = (tx: Transaction): unknown[] =>
    collect(tx, indexQuery("t.by_a")).map(({ a }) => a);

  test("fails a mutation that has read of it and runs on, which would have kept what is lost", async () => {
    const database = await openWith(tables);
    const { lost, fail } = await doomed(database);
    const follower = database.mutation(async (tx) => {
      const [a] = valuesIn(tx);
      fail();
      await lost.catch(() => undefined);
      tx.insert("t", { a: Number(a) + 1 });
    });
    const results = await Promise.allSettled([lost, follower]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await read(database, valuesIn)).toEqual([]);
  });

  test("fails a mutation that only reads, and has read what is not on disk", async () => {
    const database = await openWith(tables);
    const { lost, fail } = await doomed(database);
    let seen: unknown[] = [];
    const reader = database.mutation(async (tx) => (seen = valuesIn(tx)));
    await vi.waitFor(() => {
      expect(seen).toEqual([2]);
    });
    fail();
    const results = await Promise.allSettled([lost, reader]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
