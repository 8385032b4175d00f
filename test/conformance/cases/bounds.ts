import { expect } from "vitest";
import type { Value } from "convex/values";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, type Case, subject } from "../suite";

type Op = "eq" | "gt" | "gte" | "lt" | "lte";
const bound = (op: Op, field: string, value?: Value) =>
  value === undefined ? { op, field } : { op, field, value };
const on = (op: Op, value?: Value) => bound(op, "a", value);

const rows: { label: string; a?: Value }[] = [
  { label: "missing" },
  { label: "null", a: null },
  { label: "1", a: 1 },
  { label: "2", a: 2 },
  { label: "2again", a: 2 },
  { label: "3", a: 3 },
  { label: "text", a: "text" },
];
const add = (host: Host) => host.mutation(api.rows.add, { rows });

/** A range of `by_a` over the rows above, and what it finds, up and down. */
function range(name: string, bounds: ReturnType<typeof bound>[], expected: string[]): Case {
  return {
    name,
    async run(host) {
      await add(host);
      const args = { index: "by_a", bounds };
      expect(await host.query(api.rows.read, args)).toEqual(expected);
      expect(await host.query(api.rows.read, { ...args, order: "desc" })).toEqual(
        [...expected].reverse(),
      );
    },
  };
}

const pairs = [
  { label: "1x", a: 1, b: "x" },
  { label: "1y", a: 1, b: "y" },
  { label: "1z", a: 1, b: "z" },
  { label: "1-", a: 1 },
  { label: "2x", a: 2, b: "x" },
];

function pairRange(name: string, bounds: ReturnType<typeof bound>[], expected: string[]): Case {
  return {
    name,
    async run(host) {
      await host.mutation(api.rows.add, { rows: pairs });
      expect(await host.query(api.rows.read, { index: "by_a_b", bounds })).toEqual(expected);
    },
  };
}

/** A range that the index cannot answer. */
function invalid(
  name: string,
  index: string,
  bounds: ReturnType<typeof bound>[],
  message: RegExp,
  mock?: RegExp,
): Case {
  return {
    name,
    async run(host) {
      await add(host);
      await refused(host, host.query(api.rows.read, { index, bounds }), message, mock);
    },
  };
}

export const bounds = subject("index ranges", [
  range("no bound: everything", [], ["missing", "null", "1", "2", "2again", "3", "text"]),
  range("eq: all rows with the value", [on("eq", 2)], ["2", "2again"]),
  range("eq undefined: rows without the field, not null", [on("eq")], ["missing"]),
  range("eq null: rows with null, not those without the field", [on("eq", null)], ["null"]),
  range("eq of another type finds nothing", [on("eq", 2n)], []),
  range("gt", [on("gt", 2)], ["3", "text"]),
  range("gte", [on("gte", 2)], ["2", "2again", "3", "text"]),
  range("lt reaches down to missing fields", [on("lt", 2)], ["missing", "null", "1"]),
  range("lte", [on("lte", 2)], ["missing", "null", "1", "2", "2again"]),
  range("gt and lt", [on("gt", 1), on("lt", 3)], ["2", "2again"]),
  range("gte and lte", [on("gte", 1), on("lte", 3)], ["1", "2", "2again", "3"]),
  range("gt and lte", [on("gt", 2), on("lte", 3)], ["3"]),
  range("upper bound before lower bound", [on("lt", 3), on("gte", 2)], ["2", "2again"]),
  range("an empty range", [on("gt", 2), on("lt", 3)], []),
  range("bounds the wrong way round find nothing", [on("gt", 3), on("lt", 1)], []),
  range("gte and lt of the same value find nothing", [on("gte", 2), on("lt", 2)], []),
  range(
    "gt undefined: rows that have the field",
    [on("gt")],
    ["null", "1", "2", "2again", "3", "text"],
  ),
  range(
    "gte undefined: everything",
    [on("gte")],
    ["missing", "null", "1", "2", "2again", "3", "text"],
  ),
  range("lt null: rows without the field", [on("lt", null)], ["missing"]),
  range("lte undefined: rows without the field", [on("lte")], ["missing"]),
  range("lt undefined finds nothing", [on("lt")], []),
  range("gt null: rows with a value", [on("gt", null)], ["1", "2", "2again", "3", "text"]),
  range("a range over two types", [on("gte", 3), on("lte", "text")], ["3", "text"]),
  range(
    "all numbers: from the lowest number to the next type",
    [on("gte", -Infinity), on("lt", false)],
    ["1", "2", "2again", "3"],
  ),
  range("above everything", [on("gt", {})], []),
  pairRange("eq on the first of two fields", [bound("eq", "a", 1)], ["1-", "1x", "1y", "1z"]),
  pairRange("eq on both fields", [bound("eq", "a", 1), bound("eq", "b", "y")], ["1y"]),
  pairRange("eq, then eq undefined", [bound("eq", "a", 1), bound("eq", "b")], ["1-"]),
  pairRange("eq, then gt", [bound("eq", "a", 1), bound("gt", "b", "x")], ["1y", "1z"]),
  pairRange(
    "eq, then lt stays within the prefix",
    [bound("eq", "a", 2), bound("lt", "b", "z")],
    ["2x"],
  ),
  pairRange(
    "eq, then gte and lt",
    [bound("eq", "a", 1), bound("gte", "b", "x"), bound("lt", "b", "z")],
    ["1x", "1y"],
  ),
  pairRange("gt on the first of two fields", [bound("gt", "a", 1)], ["2x"]),
  pairRange("gte on the first of two fields", [bound("gte", "a", 2)], ["2x"]),
  pairRange(
    "lte takes in all of the last prefix",
    [bound("lte", "a", 1)],
    ["1-", "1x", "1y", "1z"],
  ),
  {
    name: "text that begins with a prefix",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: ["a", "ab", "ab\0", "abc", "ab\uffff", "ac", "b"].map((a) => ({ label: a, a })),
      });
      expect(
        await host.query(api.rows.read, {
          index: "by_a",
          bounds: [on("gte", "ab"), on("lt", "ac")],
        }),
      ).toEqual(["ab", "ab\0", "abc", "ab\uffff"]);
      expect(
        await host.query(api.rows.read, {
          index: "by_a",
          bounds: [on("gt", "ab"), on("lte", "ab\0")],
        }),
      ).toEqual(["ab\0"]);
    },
  },
  {
    name: "a nested field path; anything but an object on the way counts as missing",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: [
          { label: "none" },
          { label: "2", inner: { deep: { leaf: 2 } } },
          { label: "null", inner: { deep: { leaf: null } } },
          { label: "text", inner: "text" },
          { label: "list", inner: { deep: [1] } },
          { label: "1", inner: { deep: { leaf: 1, other: 3 } } },
        ],
      });
      expect(await host.query(api.rows.read, { index: "by_leaf" })).toEqual([
        "none",
        "text",
        "list",
        "null",
        "1",
        "2",
      ]);
      expect(
        await host.query(api.rows.read, {
          index: "by_leaf",
          bounds: [bound("gte", "inner.deep.leaf", 1)],
        }),
      ).toEqual(["1", "2"]);
      expect(
        await host.query(api.rows.read, {
          index: "by_leaf",
          bounds: [bound("eq", "inner.deep.leaf")],
        }),
      ).toEqual(["none", "text", "list"]);
    },
  },
  {
    name: "_creationTime can be bounded after all fields of an index",
    async run(host) {
      await host.mutation(api.rows.add, {
        rows: ["p", "q", "r"].map((label) => ({ label, a: 1 })),
      });
      const times = (await host.query(api.rows.all, {})).map((row) => row._creationTime);
      const after = (op: Op, time: number | undefined) => [
        on("eq", 1),
        bound(op, "_creationTime", time),
      ];
      const read = (op: Op, at: number) =>
        host.query(api.rows.read, { index: "by_a", bounds: after(op, times[at]) });
      expect(await read("gt", 0)).toEqual(["q", "r"]);
      expect(await read("gte", 1)).toEqual(["q", "r"]);
      expect(await read("lt", 1)).toEqual(["p"]);
      expect(await read("eq", 1)).toEqual(["q"]);
    },
  },
  {
    name: "by_creation_time and by_id can be bounded",
    async run(host) {
      const ids = await host.mutation(api.rows.add, { rows: [{ label: "p" }, { label: "q" }] });
      const [first] = await host.query(api.rows.all, {});
      const time = first?._creationTime;
      expect(
        await host.query(api.rows.read, {
          index: "by_creation_time",
          bounds: [bound("gt", "_creationTime", time)],
        }),
      ).toEqual(["q"]);
      expect(
        await host.query(api.rows.read, { index: "by_id", bounds: [bound("eq", "_id", ids[0])] }),
      ).toEqual(["p"]);
    },
  },
  {
    name: "an index follows patches, replacements and deletions",
    async run(host) {
      const [p, q, r, s] = await host.mutation(api.rows.add, {
        rows: ["p", "q", "r", "s"].map((label, a) => ({ label, a })),
      });
      if (p === undefined || q === undefined || r === undefined || s === undefined)
        throw new Error("four ids");
      await host.mutation(api.rows.patch, { id: p, value: { a: 9 } });
      await host.mutation(api.rows.unset, { id: q, fields: ["a"] });
      await host.mutation(api.rows.replace, { id: r, value: { label: "r2", a: -1 } });
      await host.mutation(api.rows.remove, { id: s });
      expect(await host.query(api.rows.read, { index: "by_a" })).toEqual(["q", "r2", "p"]);
      expect(await host.query(api.rows.read, { index: "by_a", bounds: [on("eq", 0)] })).toEqual([]);
    },
  },
  invalid("fields out of order", "by_a_b", [bound("eq", "b", 1)], /index|by_a_b/i, /expected "a"/),
  invalid(
    "a field that the index lacks",
    "by_a",
    [bound("eq", "b", 1)],
    /index/i,
    /Incorrect field/,
  ),
  invalid(
    "eq after gt",
    "by_a_b",
    [bound("gt", "a", 1), bound("eq", "b", 1)],
    /./,
    /Incorrect operator/,
  ),
  invalid("bounds on two fields", "by_a_b", [bound("gt", "a", 1), bound("lt", "b", 1)], /./),
  invalid("two lower bounds", "by_a", [on("gt", 1), on("gte", 2)], /./, /Incorrect operator/),
  invalid("an index that does not exist", "by_nothing", [], /by_nothing/),
]);
