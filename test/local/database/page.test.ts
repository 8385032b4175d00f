import { defineTable } from "convex/server";
import { v } from "convex/values";
import type { QueryJson } from "../../../scripts/local/database/types";
import { describe, expect, test } from "vitest";
import type { EmbeddedDatabase } from "../../../scripts/local/database/index";
import {
  exportSchema,
  idOf,
  indexQuery,
  insertAll,
  newFolder,
  openIn,
  openWith,
  pages,
  parse,
  read,
  write,
} from "./setup";

const tables = { t: defineTable({ a: v.number(), n: v.number() }).index("by_a", ["a"]) };
const ofOne = [{ type: "Eq" as const, fieldPath: "a", value: 1 }];
const query = indexQuery("t.by_a", ofOne);

async function filled(count: number): Promise<EmbeddedDatabase> {
  const database = await openWith(tables);
  await write(database, (tx) => {
    for (let n = 0; n < count; n++) tx.insert("t", { a: 1, n });
    insertAll(tx, "t", [
      { a: 0, n: -1 },
      { a: 2, n: -2 },
    ]);
  });
  return database;
}

describe("pages", () => {
  test("together are the range, in order, and the last one says so", async () => {
    const database = await filled(7);
    await read(database, (tx) => {
      expect(pages(tx, { query, pageSize: 3 }, "n")).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
      const backwards = indexQuery("t.by_a", ofOne, "desc");
      expect(pages(tx, { query: backwards, pageSize: 4 }, "n")).toEqual([
        [6, 5, 4, 3],
        [2, 1, 0],
      ]);
    });
  });

  test("that take exactly the last row do not know that they are the last, as on Convex", async () => {
    const database = await filled(4);
    await read(database, (tx) => {
      expect(pages(tx, { query, pageSize: 4 }, "n")).toEqual([[0, 1, 2, 3], []]);
      expect(pages(tx, { query, pageSize: 2 }, "n")).toEqual([[0, 1], [2, 3], []]);
    });
  });

  test("of an empty range are one page, which is done", async () => {
    const database = await filled(0);
    await read(database, (tx) => {
      expect(pages(tx, { query, pageSize: 5 }, "n")).toEqual([[]]);
    });
  });

  test("stay where they are while rows are written around them", async () => {
    const database = await filled(4);
    const first = await read(database, (tx) => tx.page({ query, cursor: null, pageSize: 2 }));
    await write(database, (tx) => {
      const [gone] = first.page;
      tx.remove(idOf(parse(gone)));
      tx.remove(idOf(parse(first.page[1])));
      tx.insert("t", { a: 1, n: 9 });
    });
    const second = await read(database, (tx) =>
      tx.page({ query, cursor: first.continueCursor, pageSize: 10 }),
    );
    expect(second.page.map((text) => (JSON.parse(text) as { n: number }).n)).toEqual([2, 3, 9]);
    expect(second.isDone).toBe(true);
  });

  test("between two cursors hold all that is there now", async () => {
    const database = await filled(6);
    const [start, end] = await read(database, (tx) => {
      const one = tx.page({ query, cursor: null, pageSize: 2 });
      const two = tx.page({ query, cursor: one.continueCursor, pageSize: 2 });
      return [one.continueCursor, two.continueCursor];
    });
    await write(database, (tx) => {
      const rows = tx.page({ query, cursor: start, endCursor: end, pageSize: 1 });
      tx.remove(idOf(parse(rows.page[0])));
    });
    const again = await read(database, (tx) =>
      tx.page({ query, cursor: start, endCursor: end, pageSize: 1 }),
    );
    expect(again.page.map((text) => (JSON.parse(text) as { n: number }).n)).toEqual([3]);
    expect(again).toMatchObject({ continueCursor: end, isDone: false });
  });

  test("after the end are empty and done", async () => {
    const database = await filled(1);
    const done = await read(database, (tx) => tx.page({ query, cursor: null, pageSize: 2 }));
    await write(database, (tx) => tx.insert("t", { a: 1, n: 5 }));
    const after = await read(database, (tx) =>
      tx.page({ query, cursor: done.continueCursor, pageSize: 2 }),
    );
    expect(after).toMatchObject({ page: [], isDone: true });
  });

  test("stop at maximumRowsRead, with what they have and where to go on", async () => {
    const database = await filled(10);
    const none: QueryJson = {
      ...query,
      operators: [{ filter: { $gte: [{ $field: "n" }, { $literal: 8 }] } }],
    };
    await read(database, (tx) => {
      const page = tx.page({ query: none, cursor: null, pageSize: 5, maximumRowsRead: 4 });
      expect(page).toMatchObject({ page: [], isDone: false, pageStatus: "SplitRequired" });
      expect(page.splitCursor).not.toBeNull();
      expect(tx.metrics().documentsRead.used).toBe(4);
      expect(pages(tx, { query: none, pageSize: 5, maximumRowsRead: 4 }, "n")).toEqual([
        [],
        [],
        [8, 9],
      ]);
    });
  });

  test("stop at maximumBytesRead, after at least one row, and lose none", async () => {
    const database = await filled(10);
    await read(database, (tx) => {
      const { used } = tx.metrics().bytesRead;
      tx.page({ query, cursor: null, pageSize: 1 });
      const size = tx.metrics().bytesRead.used - used;
      const limited = { query, pageSize: 5, maximumBytesRead: 3 * size - 1 };
      const page = tx.page({ ...limited, cursor: null });
      expect(page).toMatchObject({ isDone: false, pageStatus: "SplitRequired" });
      expect(page.page).toHaveLength(3);
      const tiny = { query, pageSize: 5, maximumBytesRead: 1 };
      expect(pages(tx, limited, "n").flat()).toEqual(pages(tx, tiny, "n").flat());
      expect(pages(tx, tiny, "n").flat()).toHaveLength(10);
    });
    const none = { query, cursor: null, pageSize: 5, maximumBytesRead: 0 };
    await expect(read(database, (tx) => tx.page(none))).rejects.toThrow(/greater than 0/);
  });

  test("cost what they hold, however long the range is", async () => {
    const database = await filled(3_000);
    await read(database, (tx) => {
      const page = tx.page({ query, cursor: null, pageSize: 10 });
      tx.page({ query, cursor: page.continueCursor, pageSize: 10 });
      expect(tx.metrics().documentsRead.used).toBe(20);
    });
  });

  test("over the limits of a transaction end early instead of failing", async () => {
    const database = await filled(20);
    await read(database, (tx) => {
      tx.savepoint({ documentsRead: 5 });
      const page = tx.page({ query, cursor: null, pageSize: 10 });
      expect(page).toMatchObject({ isDone: false, pageStatus: "SplitRequired" });
      expect(page.page).toHaveLength(5);
    });
  });
});

describe("a cursor", () => {
  const invalid = /^InvalidCursor/;

  test("of another query, another order or made up is refused", async () => {
    const database = await filled(5);
    await read(database, (tx) => {
      const { continueCursor } = tx.page({ query, cursor: null, pageSize: 1 });
      const others = [
        indexQuery("t.by_a", [{ type: "Eq", fieldPath: "a", value: 2 }]),
        indexQuery("t.by_a", ofOne, "desc"),
        indexQuery("t.by_creation_time"),
      ];
      for (const other of others) {
        expect(() => tx.page({ query: other, cursor: continueCursor, pageSize: 1 })).toThrow(
          invalid,
        );
      }
      const changed = `${continueCursor.slice(0, -2)}AA`;
      for (const cursor of ["", "x", "_end_cursor", "A".repeat(200), changed]) {
        expect(() => tx.page({ query, cursor, pageSize: 1 })).toThrow(invalid);
        expect(() => tx.page({ query, cursor: null, endCursor: cursor, pageSize: 1 })).toThrow(
          invalid,
        );
      }
    });
  });

  test("shows nothing of the row that it stands at, and is the same each time", async () => {
    const database = await openWith({
      t: defineTable({ secret: v.string() }).index("by_s", ["secret"]),
    });
    await write(database, (tx) => insertAll(tx, "t", [{ secret: "hidden" }, { secret: "other" }]));
    const run = (): Promise<string> =>
      read(
        database,
        (tx) => tx.page({ query: indexQuery("t.by_s"), cursor: null, pageSize: 1 }).continueCursor,
      );
    const cursor = await run();
    expect(Buffer.from(cursor, "base64url").toString("latin1")).not.toContain("hidden");
    expect(await run()).toBe(cursor);
  });

  test("outlives a restart", async () => {
    const folder = newFolder();
    const before = await openIn(folder);
    await before.applySchema(exportSchema(tables));
    await write(before, (tx) =>
      insertAll(tx, "t", [
        { a: 1, n: 1 },
        { a: 1, n: 2 },
      ]),
    );
    const { continueCursor } = await read(before, (tx) =>
      tx.page({ query, cursor: null, pageSize: 1 }),
    );
    await before.close();
    const after = await openIn(folder);
    const rest = await read(after, (tx) => tx.page({ query, cursor: continueCursor, pageSize: 9 }));
    expect(rest.page).toHaveLength(1);
  });
});
