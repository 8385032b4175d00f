import { expect } from "vitest";
import type { Value } from "convex/values";
import { api } from "../api";
import type { FilterName } from "../convex/filters";
import { refused, type Case, subject } from "../suite";

type Row = { label: string; a?: Value; b?: Value; inner?: Value };
const mixed: Row[] = [
  { label: "missing", b: "x" },
  { label: "null", a: null },
  { label: "1n", a: 1n },
  { label: "-0", a: -0 },
  { label: "0", a: 0 },
  { label: "1", a: 1, b: 5 },
  { label: "2", a: 2, b: 2 },
  { label: "3", a: 3, b: 1 },
  { label: "NaN", a: NaN },
  { label: "true", a: true },
  { label: "a", a: "a" },
  { label: "emoji", a: "😀" },
  { label: "list", a: [1, 2] },
  { label: "object", a: { x: 1, y: 2 } },
];
const numbers: Row[] = [1, 2, 3].map((a) => ({ label: String(a), a }));

const jsOperators = "it compares with JavaScript's operators, not in the order of an index";

function finds(
  filter: FilterName,
  name: string,
  expected: string[],
  { rows = mixed, differs }: { rows?: Row[]; differs?: string } = {},
): Case {
  return {
    name,
    async run(host) {
      await host.mutation(api.rows.add, { rows });
      expect(await host.query(api.rows.read, { filter })).toEqual(expected);
    },
    ...(differs !== undefined && { differs: { host: "convex-test", why: differs } }),
  };
}
const all = mixed.map(({ label }) => label);
const without = (...labels: string[]) => all.filter((label) => !labels.includes(label));

export const filtering = subject("filters", [
  finds("eqOne", "eq takes the type into account", ["1"]),
  finds("eqOneInt", "eq of an int64", ["1n"]),
  finds("eqMissing", "eq undefined: rows without the field", ["missing"]),
  finds("eqNull", "eq null", ["null"]),
  finds("eqArray", "eq of arrays, by value", ["list"]),
  finds("eqObject", "eq of objects, by value and whatever the order of fields", ["object"]),
  finds("eqMinusZero", "-0 is not 0", ["-0"]),
  finds("eqNaN", "NaN equals NaN", ["NaN"]),
  finds("neqOne", "neq", without("1")),
  finds("neqMissing", "neq undefined: rows that have the field", without("missing")),
  finds(
    "gtTwo",
    "gt reaches over the types above",
    ["3", "NaN", "true", "a", "emoji", "list", "object"],
    { differs: jsOperators },
  ),
  finds("gteTwo", "gte", ["2", "3", "NaN", "true", "a", "emoji", "list", "object"], {
    differs: jsOperators,
  }),
  finds("ltTwo", "lt reaches over the types below", ["missing", "null", "1n", "-0", "0", "1"], {
    differs: jsOperators,
  }),
  finds("lteTwo", "lte", ["missing", "null", "1n", "-0", "0", "1", "2"], {
    differs: jsOperators,
  }),
  finds("gtMissing", "gt undefined: rows that have the field", without("missing"), {
    differs: jsOperators,
  }),
  finds("ltNull", "lt null: rows without the field", ["missing"], { differs: jsOperators }),
  finds("ltText", "lt of text", without("emoji", "list", "object"), { differs: jsOperators }),
  finds("gtBmp", "text compares by code point, not by UTF-16 unit", ["emoji", "list", "object"], {
    differs: jsOperators,
  }),
  finds("gtTwo", "gt among numbers", ["3"], { rows: numbers }),
  finds("lteTwo", "lte among numbers", ["1", "2"], { rows: numbers }),
  finds("and", "and", ["1", "2"], { differs: jsOperators }),
  finds("andNothing", "and of nothing is true", all),
  finds("or", "or", ["missing", "1"]),
  finds("orNothing", "or of nothing is false", []),
  finds("not", "not", without("1")),
  finds("leaf", "a path into nested objects", ["leaf"], {
    rows: [
      { label: "leaf", inner: { deep: { leaf: 1 } } },
      { label: "other", inner: { deep: { leaf: 2 } } },
      { label: "text", inner: "leaf" },
    ],
  }),
  finds("leafMissing", "a path that leads nowhere is undefined", ["none", "text", "list"], {
    rows: [
      { label: "leaf", inner: { deep: { leaf: null } } },
      { label: "none" },
      { label: "text", inner: "leaf" },
      { label: "list", inner: { deep: [{ leaf: 1 }] } },
    ],
  }),
  finds("twoFields", "two fields of a row", ["1"], {
    rows: [
      { label: "1", a: 1, b: 5 },
      { label: "2", a: 2, b: 2 },
      { label: "3", a: 3, b: 1 },
    ],
  }),
  finds("add", "add", ["2"], { rows: numbers }),
  finds("sub", "sub", ["2"], { rows: numbers }),
  finds("mul", "mul", ["2"], { rows: numbers }),
  finds("div", "div", ["2"], { rows: numbers }),
  finds("mod", "mod", ["1", "3"], { rows: numbers }),
  finds("neg", "neg", ["2"], { rows: numbers, differs: "it does not know neg" }),
  finds("addInt", "add of int64", ["2"], {
    rows: [1n, 2n].map((a) => ({ label: String(a), a })),
  }),
  finds("divInt", "div of int64 drops the rest", ["2", "3"], {
    rows: [1n, 2n, 3n, 4n].map((a) => ({ label: String(a), a })),
  }),
  {
    name: "arithmetic on text is an error",
    async run(host) {
      await host.mutation(api.rows.add, { rows: [{ label: "a", a: "a" }] });
      await refused(host, host.query(api.rows.read, { filter: "addText" }), /./);
    },
    differs: { host: "convex-test", why: "it adds with JavaScript's operator" },
  },
  {
    name: "arithmetic of an int64 and a float64 is an error",
    async run(host) {
      await host.mutation(api.rows.add, { rows: numbers });
      await refused(host, host.query(api.rows.read, { filter: "addInt" }), /./);
    },
  },
  {
    name: "a predicate that is not boolean is an error",
    async run(host) {
      await host.mutation(api.rows.add, { rows: numbers });
      await refused(host, host.query(api.rows.read, { filter: "notBoolean" }), /./);
    },
    differs: { host: "convex-test", why: "it takes any value as a condition" },
  },
  {
    name: "system fields can be filtered",
    async run(host) {
      await host.mutation(api.rows.add, { rows: numbers });
      expect(await host.query(api.rows.read, { filter: "created" })).toEqual(["1", "2", "3"]);
    },
  },
  {
    name: "a filter keeps the order of its index, and take counts what passes it",
    async run(host) {
      await host.mutation(api.rows.add, { rows: numbers });
      const args = { index: "by_a", order: "desc" as const, filter: "lteTwo" };
      expect(await host.query(api.rows.read, args)).toEqual(["2", "1"]);
      expect(await host.query(api.rows.take, { ...args, count: 1 })).toEqual(["2"]);
      expect(await host.query(api.rows.first, args)).toBe("2");
    },
  },
]);
