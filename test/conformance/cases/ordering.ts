import { expect } from "vitest";
import type { Value } from "convex/values";
import { api } from "../api";
import type { Host } from "../hosts";
import { subject, type Case } from "../suite";

const bytes = (...values: number[]) => new Uint8Array(values).buffer;
const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;

/** Values of each type in the order of an index; types follow each other in this order too. */
export const inOrder: Record<string, (Value | undefined)[]> = {
  undefined: [undefined],
  null: [null],
  int64: [
    MIN_INT,
    -(2n ** 31n) - 1n,
    -32769n,
    -129n,
    -1n,
    0n,
    1n,
    127n,
    128n,
    2n ** 53n + 1n,
    MAX_INT,
  ],
  float64: [
    -Infinity,
    -Number.MAX_VALUE,
    -(2 ** 53),
    -1.5,
    -1,
    -Number.MIN_VALUE,
    -0,
    0,
    Number.MIN_VALUE,
    0.1,
    1,
    1.5,
    2 ** 53,
    Number.MAX_VALUE,
    Infinity,
    NaN,
  ],
  boolean: [false, true],
  // In the order of UTF-8: an emoji (U+1F600) comes after U+FFEE, unlike in UTF-16.
  string: [
    "",
    "\0",
    "\0\0",
    "\0a",
    "\x01",
    " ",
    "0",
    "A",
    "a",
    "a\0",
    "a\0b",
    "aa",
    "b",
    "é",
    "日",
    "\uffee",
    "😀",
  ],
  bytes: [bytes(), bytes(0), bytes(0, 0), bytes(0, 255), bytes(1), bytes(1, 0), bytes(255)],
  array: [
    [],
    [null],
    [null, null],
    [-1n],
    [1n],
    [1],
    [1, 1],
    [2],
    [true],
    [""],
    ["a"],
    ["a", 1],
    ["a\0"],
    [bytes()],
    [[]],
    [[1]],
    [{}],
  ],
  object: [
    {},
    { a: null },
    { a: 1 },
    { a: 1, b: 1 },
    { a: 2 },
    { aa: 0 },
    { b: {} },
    { b: { c: 1 } },
  ],
};

/** In order; with beginnings in common of up to 20,000 characters. */
export const longValues: Value[] = [
  ...[400, 1000, 2000, 20_000].flatMap((length) => [
    "k".repeat(length) + "A",
    "k".repeat(length) + "B",
  ]),
  "k".repeat(20_000) + "k",
  "ä".repeat(3000) + "1",
  "ä".repeat(3000) + "2",
  new Uint8Array(3000).buffer,
  new Uint8Array(3001).buffer,
  Array.from({ length: 600 }, () => 1),
  Array.from({ length: 601 }, () => 1),
];

const labelled = (values: (Value | undefined)[]) =>
  values.map((a, i) => ({ label: String(i).padStart(2, "0"), a }));

/** Inserts rows in a fixed disorder, so that creation order is no help. */
async function insertShuffled(host: Host, rows: { label: string; a: Value | undefined }[]) {
  const shuffled = rows
    .map((row, i) => ({ row, key: (i * 7919 + 13) % 101 }))
    .sort((x, y) => x.key - y.key)
    .map(({ row }) => row);
  await host.mutation(api.rows.add, { rows: shuffled });
}

const byType: Case[] = Object.entries(inOrder).map(([type, values]) => ({
  name: `values of type ${type}, up and down`,
  async run(host) {
    const rows = labelled(values);
    await insertShuffled(host, rows);
    const expected = rows.map(({ label }) => label);
    expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(expected);
    expect(await host.query(api.rows.read, { index: "by_a", order: "desc" })).toEqual(
      expected.reverse(),
    );
  },
}));

const everything = Object.values(inOrder).flat();

export const ordering = subject("order of values in an index", [
  ...byType,
  {
    name: "types among each other",
    async run(host) {
      const rows = labelled(everything);
      await insertShuffled(host, rows);
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(
        rows.map(({ label }) => label),
      );
    },
  },
  {
    name: "each value is found by eq, and only itself",
    async run(host) {
      const rows = labelled(everything);
      await insertShuffled(host, rows);
      const found = await Promise.all(
        rows.map(({ a }) =>
          host.query(api.rows.read, {
            index: "by_a",
            bounds: [
              a === undefined ? { op: "eq", field: "a" } : { op: "eq", field: "a", value: a },
            ],
          }),
        ),
      );
      expect(found).toEqual(rows.map(({ label }) => [label]));
    },
  },
  {
    name: "gt and lt split the values at each of them",
    async run(host) {
      const rows = labelled(everything);
      await insertShuffled(host, rows);
      for (const at of [0, 1, 5, 12, 18, 19, 20, 29, 31, 33, 40, 48, 54, 62, 78]) {
        const { a: value } = rows[at] ?? {};
        const bound = (op: "gt" | "lt") =>
          host.query(api.rows.read, { index: "by_a", bounds: [{ op, field: "a", value }] });
        expect(await bound("lt")).toEqual(rows.slice(0, at).map(({ label }) => label));
        expect(await bound("gt")).toEqual(rows.slice(at + 1).map(({ label }) => label));
      }
    },
  },
  {
    name: "values come back as they went in",
    async run(host) {
      await host.mutation(api.rows.add, { rows: labelled(everything) });
      const rows = await host.query(api.rows.all, {});
      expect(rows.map((row) => row.a as Value | undefined)).toEqual(everything);
    },
  },
  {
    name: "two fields order by the first, then by the second",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [
          { label: "2b", a: 2, b: "b" },
          { label: "1", a: 1 },
          { label: "2a", a: 2, b: "a" },
          { label: "1null", a: 1, b: null },
          { label: "2ab", a: 2, b: "ab" },
          { label: "1n", a: 1, b: 5n },
          { label: "text", a: "", b: "" },
        ],
      });
      const expected = ["1", "1null", "1n", "2a", "2ab", "2b", "text"];
      expect(await host.query(api.rows.read, { index: "by_a_b" })).toEqual(expected);
      expect(await host.query(api.rows.read, { index: "by_a_b", order: "desc" })).toEqual(
        expected.reverse(),
      );
    },
  },
  {
    name: "a string that ends in NUL is not mistaken for the next field",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [
          { label: "3", a: "a\0", b: "" },
          { label: "1", a: "a", b: "" },
          { label: "2", a: "a", b: "\0" },
          { label: "4", a: "a\0\xff", b: "" },
        ],
      });
      expect(await host.query(api.rows.read, { index: "by_a_b" })).toEqual(["1", "2", "3", "4"]);
      const bounds = [{ op: "eq" as const, field: "a", value: "a" }];
      expect(await host.query(api.rows.read, { index: "by_a_b", bounds })).toEqual(["1", "2"]);
    },
  },
  {
    name: "long values differ however late",
    async run(host) {
      const rows = labelled(longValues);
      await insertShuffled(host, rows);
      const expected = rows.map(({ label }) => label);
      const read = (args: object) => host.query(api.rows.read, { index: "by_a", ...args });
      expect(await read({})).toEqual(expected);
      expect(await read({ order: "desc" })).toEqual([...expected].reverse());
      for (const [at, { a: value }] of rows.entries()) {
        const bound = (op: string) => read({ bounds: [{ op, field: "a", value }] });
        expect(await bound("eq")).toEqual([expected[at]]);
        expect(await bound("lt")).toEqual(expected.slice(0, at));
        expect(await bound("gte")).toEqual(expected.slice(at));
      }
    },
  },
  {
    name: "a long value before a second field",
    async run(host) {
      const long = "x".repeat(4000);
      await host.mutation(api.rows.add, {
        rows: [
          { label: "3", a: long, b: 2 },
          { label: "5", a: long + "y" },
          { label: "1", a: long.slice(1) },
          { label: "2", a: long, b: 1 },
          { label: "4", a: long, b: "" },
        ],
      });
      expect(await host.query(api.rows.read, { index: "by_a_b" })).toEqual([
        "1",
        "2",
        "3",
        "4",
        "5",
      ]);
      const bounds = [
        { op: "eq" as const, field: "a", value: long },
        { op: "gt" as const, field: "b", value: 1 },
      ];
      expect(await host.query(api.rows.read, { index: "by_a_b", bounds })).toEqual(["3", "4"]);
    },
  },
  {
    name: "equal values order by creation, whatever their ids",
    async run(host) {
      const labels = Array.from({ length: 12 }, (_, i) => `r${String(i)}`);
      for (const label of labels)
        await host.mutation(api.rows.add, { rows: [{ label, a: "same" }] });
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(labels);
      expect(await host.query(api.rows.read, { index: "by_a", order: "desc" })).toEqual(
        labels.reverse(),
      );
    },
  },
  {
    name: "rows of one mutation have rising creation times, and are read in this order",
    async run(host) {
      const rows = Array.from({ length: 50 }, (_, i) => ({ label: String(i).padStart(2, "0") }));
      await host.mutation(api.rows.add, { rows });
      const found = await host.query(api.rows.all, {});
      expect(found.map(({ label }) => label)).toEqual(rows.map(({ label }) => label));
      const times = found.map((row) => row._creationTime);
      expect(times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0))).toBe(true);
      expect(new Set(times).size).toBe(50);
    },
  },
  {
    name: "by_creation_time is the default order, both ways",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [{ label: "b" }, { label: "a" }, { label: "c" }],
      });
      const expected = ["b", "a", "c"];
      expect(await host.query(api.rows.read, {})).toEqual(expected);
      expect(await host.query(api.rows.read, { index: "by_creation_time" })).toEqual(expected);
      expect(await host.query(api.rows.read, { order: "desc" })).toEqual(["c", "a", "b"]);
      expect(await host.query(api.rows.read, { index: "by_creation_time", order: "desc" })).toEqual(
        ["c", "a", "b"],
      );
    },
  },
  {
    name: "by_id is in the order of the ids",
    async run(host) {
      const rows = Array.from({ length: 20 }, (_, i) => ({ label: String(i) }));
      await host.mutation(api.rows.add, { rows });
      const ids = await host.query(api.rows.ids, { index: "by_id" });
      expect(ids).toHaveLength(20);
      expect(ids).toEqual([...ids].sort());
    },
  },
]);
