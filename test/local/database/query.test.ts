import { defineTable } from "convex/server";
import { compareValues, convexToJson, v, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DocumentJson, QueryJson } from "../../../scripts/local/database/types";
import {
  collect,
  defined,
  idOf,
  indexQuery,
  insertAll,
  openWith,
  parse,
  read,
  write,
} from "./setup";

const anything = { t: defineTable(v.any()).index("by_a_b", ["a", "b"]).index("by_deep", ["o.x"]) };

/** The values of field `n` that a query gives. */
function numbers(documents: DocumentJson[]): unknown[] {
  return documents.map(({ n }) => n);
}

describe("an index", () => {
  test("gives its rows in Convex's order, whatever their values and however long", async () => {
    const long = "x".repeat(1_700);
    const values: (Value | undefined)[] = [
      undefined,
      null,
      -5n,
      3n,
      -1.5,
      -0,
      0,
      NaN,
      false,
      true,
      "",
      "a",
      "a\0",
      "b",
      long,
      `${long}b`,
      `${long}a`,
      `${long}a\0`,
      "y".repeat(5_000),
      new ArrayBuffer(2),
      [],
      [1],
      [1, 2],
      {},
      { x: long },
      { x: `${long}1` },
      { x: 1 },
    ];
    const database = await openWith(anything);
    await write(database, (tx) => {
      values.forEach((a, n) => tx.insert("t", fields(a, n)));
    });
    const sorted = values.map((a, n) => ({ a, n })).sort((x, y) => compareValues(x.a, y.a));
    const expected = sorted.map(({ n }) => n);
    await read(database, (tx) => {
      expect(numbers(collect(tx, indexQuery("t.by_a_b")))).toEqual(expected);
      expect(numbers(collect(tx, indexQuery("t.by_a_b", [], "desc")))).toEqual(expected.reverse());
    });
  });

  test("answers every range as comparing each document would, on disk and before", async () => {
    const long = "l".repeat(1_590);
    const pool: (Value | undefined)[] = [
      undefined,
      null,
      0,
      1,
      2,
      "a",
      "b",
      `${long}aaaaaaaaaaaaaaaa`,
      `${long}aaaaaaaaaaaaaaab`,
      `${long}aaaaaaaaaaaaaaaaa`,
      true,
    ];
    const database = await openWith(anything);
    const documents = pool.flatMap((a) => pool.map((b) => ({ a, b })));
    const half = Math.floor(documents.length / 2);
    const matches = (
      query: Bounds,
      document: { a: Value | undefined; b: Value | undefined },
    ): boolean =>
      query.every(({ type, fieldPath, value }) => {
        const order = compareValues(document[fieldPath], value);
        return { Eq: order === 0, Gt: order > 0, Gte: order >= 0, Lt: order < 0, Lte: order <= 0 }[
          type
        ];
      });
    type Bounds = {
      type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
      fieldPath: "a" | "b";
      value: Value | undefined;
    }[];
    const any = fc.constantFrom(...pool);
    const bounds: fc.Arbitrary<Bounds> = fc
      .record({
        equal: fc.option(any),
        lower: fc.option(fc.tuple(fc.constantFrom("Gt" as const, "Gte" as const), any)),
        upper: fc.option(fc.tuple(fc.constantFrom("Lt" as const, "Lte" as const), any)),
      })
      .map(({ equal, lower, upper }) => {
        const fieldPath = equal === null ? "a" : "b";
        const range: Bounds = equal === null ? [] : [{ type: "Eq", fieldPath: "a", value: equal }];
        if (lower !== null) range.push({ type: lower[0], fieldPath, value: lower[1] });
        if (upper !== null) range.push({ type: upper[0], fieldPath, value: upper[1] });
        return range;
      });
    await write(database, (tx) => {
      documents.slice(0, half).forEach((each, n) => tx.insert("t", fields(each.a, n, each.b)));
    });
    await write(database, (tx) => {
      documents.slice(half).forEach((each, n) => tx.insert("t", fields(each.a, n + half, each.b)));
      fc.assert(
        fc.property(bounds, fc.constantFrom("asc" as const, "desc" as const), (range, order) => {
          const query = indexQuery("t.by_a_b", range.map(toJson), order);
          const found = numbers(collect(tx, query));
          const expected = documents
            .map((each, n) => ({ ...each, n }))
            .filter((each) => matches(range, each))
            .sort((x, y) => compareValues(x.a, y.a) || compareValues(x.b, y.b) || x.n - y.n)
            .map(({ n }) => n);
          if (order === "desc") expected.reverse();
          expect(found).toEqual(expected);
        }),
        { numRuns: 150 },
      );
    });
  });

  test("follows a path into objects", async () => {
    const database = await openWith(anything);
    await write(database, (tx) =>
      insertAll(tx, "t", [{ n: 0, o: { x: 2 } }, { n: 1, o: { x: 1 } }, { n: 2, o: [] }, { n: 3 }]),
    );
    const found = await read(database, (tx) => collect(tx, indexQuery("t.by_deep")));
    expect(numbers(found)).toEqual([2, 3, 1, 0]);
  });

  test("by_id gives a table's own documents, in the order of their ids", async () => {
    const database = await openWith({ ...anything, u: defineTable({}) });
    const ids = await write(database, (tx) => {
      insertAll(tx, "u", [{}, {}]);
      return insertAll(tx, "t", [{}, {}, {}]).sort();
    });
    await write(database, (tx) => {
      const later = tx.insert("t", {});
      const all = collect(tx, indexQuery("t.by_id")).map(({ _id }) => _id);
      expect(all).toEqual([...ids, later].sort());
      const range = [{ type: "Gt" as const, fieldPath: "_id", value: defined(ids[0]) }];
      expect(collect(tx, indexQuery("t.by_id", range, "desc"))).toHaveLength(3);
    });
  });

  test.each([
    [[{ type: "Eq", fieldPath: "b", value: 1 }], "didn't use the index fields in order"],
    [[{ type: "Eq", fieldPath: "z", value: 1 }], "doesn't index this field"],
    [
      [
        { type: "Gt", fieldPath: "a", value: 1 },
        { type: "Lt", fieldPath: "b", value: 1 },
      ],
      "can only be applied to a single index field",
    ],
    [
      [
        { type: "Gt", fieldPath: "a", value: 1 },
        { type: "Gte", fieldPath: "a", value: 1 },
      ],
      "Already defined lower bound",
    ],
    [
      [
        { type: "Eq", fieldPath: "a", value: 1 },
        { type: "Lt", fieldPath: "a", value: 1 },
      ],
      "Already defined inequality bound",
    ],
  ])("refuses the bounds %j", async (range, message) => {
    const database = await openWith(anything);
    const query = indexQuery("t.by_a_b", range as never);
    await expect(read(database, (tx) => tx.openQuery(query))).rejects.toThrow(message);
  });

  test("that does not exist is refused; a table that does not is empty", async () => {
    const database = await openWith(anything);
    await read(database, (tx) => {
      expect(() => tx.openQuery(indexQuery("t.nope"))).toThrow("Index t.nope not found.");
      expect(() => tx.openQuery(indexQuery("nope.by_a"))).toThrow("Index nope.by_a not found.");
      expect(collect(tx, scan("nope"))).toEqual([]);
      expect(tx.count("nope")).toBe(0);
    });
  });
});

describe("a query", () => {
  test("reads no more documents than it hands out", async () => {
    const database = await openWith(anything);
    await write(database, (tx) => {
      for (let n = 0; n < 1_000; n++) tx.insert("t", { n, a: 1 });
    });
    await read(database, (tx) => {
      const limited = { ...scan("t"), operators: [{ limit: 3 }] };
      expect(numbers(collect(tx, limited))).toEqual([0, 1, 2]);
      expect(tx.metrics().documentsRead.used).toBe(3);
      const open = tx.openQuery(scan("t"));
      tx.next(open);
      expect(tx.metrics().documentsRead.used).toBe(4);
      expect(tx.metrics().databaseQueries.used).toBe(2);
    });
  });

  test("applies filters and limits in the order in which they were chained", async () => {
    const database = await openWith(anything);
    await write(database, (tx) => insertAll(tx, "t", [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]));
    const even: QueryJson["operators"][number] = {
      filter: { $eq: [{ $mod: [{ $field: "n" }, { $literal: 2 }] }, { $literal: 0 }] },
    };
    await read(database, (tx) => {
      const run = (operators: QueryJson["operators"]): unknown[] =>
        numbers(collect(tx, { ...scan("t"), operators }));
      expect(run([even, { limit: 1 }])).toEqual([2]);
      expect(run([{ limit: 1 }, even])).toEqual([]);
      expect(run([{ limit: 0 }])).toEqual([]);
      expect(run([even, even, { limit: 9 }])).toEqual([2, 4]);
    });
  });

  test("sees what its mutation writes while it reads", async () => {
    const database = await openWith(anything);
    await write(database, (tx) =>
      insertAll(tx, "t", [
        { n: 1, a: 1 },
        { n: 2, a: 2 },
        { n: 3, a: 3 },
      ]),
    );
    await write(database, (tx) => {
      const open = tx.openQuery(indexQuery("t.by_a_b"));
      const first = parse(tx.next(open));
      const [second] = collect(
        tx,
        indexQuery("t.by_a_b", [{ type: "Eq", fieldPath: "a", value: 2 }]),
      );
      tx.remove(idOf(second));
      tx.insert("t", { n: 4, a: 2.5 });
      tx.shallowMerge(idOf(first), { a: 9 });
      const rest = [tx.next(open), tx.next(open), tx.next(open), tx.next(open)];
      expect(rest.map((text) => text && parse(text).n)).toEqual([4, 3, 1, null]);
    });
  });
});

describe("a filter", () => {
  const int = (value: bigint): unknown => convexToJson(value);
  test.each<[unknown, boolean | string]>([
    [{ $eq: [{ $field: "missing" }, { $literal: { $undefined: null } }] }, true],
    [{ $eq: [{ $field: "missing" }, { $literal: null }] }, false],
    [{ $lt: [{ $field: "missing" }, { $literal: null }] }, true],
    [{ $lt: [{ $literal: null }, { $literal: int(-9n) }] }, true],
    [{ $lt: [{ $literal: int(9n) }, { $literal: -9 }] }, true],
    [{ $gt: [{ $literal: "a" }, { $literal: true }] }, true],
    [{ $eq: [{ $field: "o.x" }, { $literal: 1 }] }, true],
    [{ $eq: [{ $field: "s.length" }, { $literal: { $undefined: null } }] }, true],
    [{ $neq: [{ $field: "o" }, { $literal: { x: 1 } }] }, false],
    [{ $gte: [{ $field: "n" }, { $literal: 5 }] }, true],
    [{ $lte: [{ $neg: { $field: "n" } }, { $literal: -5 }] }, true],
    [
      { $eq: [{ $add: [{ $literal: int(1n) }, { $literal: int(2n) }] }, { $literal: int(3n) }] },
      true,
    ],
    [
      { $eq: [{ $div: [{ $literal: int(7n) }, { $literal: int(2n) }] }, { $literal: int(3n) }] },
      true,
    ],
    [
      {
        $eq: [
          { $sub: [{ $mul: [{ $field: "n" }, { $literal: 3 }] }, { $literal: 1 }] },
          { $literal: 14 },
        ],
      },
      true,
    ],
    [{ $and: [] }, true],
    [{ $or: [] }, false],
    [{ $not: { $and: [{ $literal: true }, { $literal: false }] } }, true],
    [{ $or: [{ $literal: true }, { $field: "n" }] }, true],
    [{ $field: "n" }, "boolean"],
    [
      { $add: [{ $field: "n" }, { $field: "s" }] },
      'Cannot add 5.0 (type Float64) and "abc" (type String)',
    ],
    [{ $div: [{ $literal: int(1n) }, { $literal: int(0n) }] }, "Cannot divide 1 by zero"],
    [
      { $add: [{ $literal: int(2n ** 63n - 1n) }, { $literal: int(1n) }] },
      "out of range for Int64",
    ],
    [{ $neg: { $field: "s" } }, 'Cannot negate "abc" (type String)'],
  ])("%j", async (filter, expected) => {
    const database = await openWith(anything);
    await write(database, (tx) => tx.insert("t", { n: 5, s: "abc", o: { x: 1 } }));
    const query = { ...scan("t"), operators: [{ filter: filter as never }] };
    const found = read(database, (tx) => collect(tx, query).length === 1);
    if (typeof expected === "string") await expect(found).rejects.toThrow(expected);
    else expect(await found).toBe(expected);
  });
});

function scan(tableName: string): QueryJson {
  return { source: { type: "FullTableScan", tableName, order: null }, operators: [] };
}

function fields(a: Value | undefined, n: number, b?: Value): DocumentJson {
  return {
    n,
    ...(a === undefined ? {} : { a: convexToJson(a) }),
    ...(b === undefined ? {} : { b: convexToJson(b) }),
  };
}

function toJson(bound: {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: Value | undefined;
}): {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: ReturnType<typeof convexToJson>;
} {
  const { value } = bound;
  return { ...bound, value: value === undefined ? { $undefined: null } : convexToJson(value) };
}
