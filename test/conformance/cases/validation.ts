import { expect } from "vitest";
import type { FunctionArgs } from "convex/server";
import { api } from "../api";
import type { Host } from "../hosts";
import { refused, type Case, subject } from "../suite";

type Stored = FunctionArgs<typeof api.validation.store>;
const valid: Stored = {
  string: "text",
  number: 1.5,
  float: NaN,
  int: 9007199254740993n,
  boolean: false,
  nothing: null,
  bytes: new Uint8Array([0, 255]).buffer,
  anything: { deep: [1, null, "x"] },
  literal: "on",
  list: ["a", "b"],
  object: { x: 1 },
  record: { "a key": 1, b: 2 },
  mixed: [1, 2],
};

const wrong: { field: keyof Stored; value: unknown; what: string; differs?: string }[] = [
  { field: "string", value: 1, what: "a number for a string" },
  { field: "number", value: "1", what: "a string for a number" },
  { field: "number", value: 1n, what: "an int64 for a number" },
  { field: "int", value: 1, what: "a number for an int64" },
  { field: "boolean", value: 0, what: "a number for a boolean" },
  { field: "boolean", value: null, what: "null for a boolean" },
  { field: "nothing", value: 0, what: "a number for null" },
  { field: "bytes", value: [0], what: "an array for bytes" },
  { field: "literal", value: "off", what: "a string that is not among the literals" },
  { field: "literal", value: 3, what: "a number that is not among the literals" },
  { field: "list", value: ["a", 1], what: "one wrong element of an array" },
  { field: "list", value: "a", what: "a string for an array" },
  { field: "list", value: { 0: "a" }, what: "an object for an array" },
  { field: "object", value: {}, what: "a missing field of a nested object" },
  { field: "object", value: { x: 1, z: 2 }, what: "an extra field of a nested object" },
  { field: "object", value: { x: 1, y: null }, what: "null for an optional field" },
  { field: "object", value: [1], what: "an array for an object" },
  {
    field: "record",
    value: { a: "x" },
    what: "a wrong value in a record",
    differs: "it does not check records",
  },
  {
    field: "record",
    value: [1],
    what: "an array for a record",
    differs: "it does not check records",
  },
  { field: "row", value: "garbage", what: "a malformed id" },
  { field: "mixed", value: 1, what: "a value that no member of the union takes" },
  { field: "mixed", value: ["x"], what: "an array that the union's array refuses" },
];

const asArgument = /^(\[Request ID: \w+\] Server Error\n)?ArgumentValidationError: /;

const refusals: Case[] = wrong.flatMap(({ field, value, what, differs }) => [
  {
    name: `an argument: ${what}`,
    async run(host: Host) {
      const args = { ...valid, [field]: value };
      await refused(
        host,
        host.mutation(api.validation.store, args),
        asArgument,
        /^Validator error: /,
      );
    },
    ...(differs !== undefined && { differs: { host: "convex-test" as const, why: differs } }),
  },
  {
    name: `a document: ${what}`,
    async run(host: Host) {
      await refused(
        host,
        host.mutation(api.validation.insertAny, {
          table: "typed",
          value: { ...valid, [field]: value },
        }),
        /does not match the schema: /,
        /^Validator error: /,
      );
    },
    ...(differs !== undefined && { differs: { host: "convex-test" as const, why: differs } }),
  },
]);

const insert = (host: Host, table: string, value: unknown) =>
  host.mutation(api.validation.insertAny, { table, value });

export const validation = subject("validation", [
  {
    name: "one value of every kind passes arguments and schema, and comes back",
    async run(host) {
      const [row] = await host.mutation(api.rows.add, { rows: [{ label: "p" }] });
      const job = await host.mutation(api.schedule.after, {
        target: "record",
        args: { text: "later" },
        ms: 3_600_000,
      });
      const args: Stored = { ...valid, object: { x: -0, y: "" }, ...(row && { row }), job };
      const { _id, _creationTime, ...stored } =
        (await host.mutation(api.validation.store, args)) ?? {};
      expect(stored).toEqual(args);
      await host.mutation(api.schedule.cancel, { id: job });
    },
  },
  ...refusals,
  {
    name: "all literals and every member of a union",
    async run(host) {
      for (const literal of ["on", 2, true] as const)
        expect(await host.mutation(api.validation.store, { ...valid, literal })).toMatchObject({
          literal,
        });
      for (const mixed of ["x", [], null])
        expect(await host.mutation(api.validation.store, { ...valid, mixed })).toMatchObject({
          mixed,
        });
      for (const value of [{ a: 1 }, [1n], [], null])
        expect(await host.query(api.validation.union, { value })).toEqual(value);
    },
  },
  {
    name: "a missing argument",
    async run(host) {
      await refused(
        host,
        host.query(api.validation.row, {} as { id: never }),
        /ArgumentValidationError: Object is missing the required field `id`\. Consider wrapping the field validator in `v\.optional\(\.\.\.\)` if this is expected\./,
        /Missing required field `id`/,
      );
    },
  },
  {
    name: "an extra argument",
    async run(host) {
      await refused(
        host,
        host.query(api.validation.noArgs, { extra: 1 }),
        /ArgumentValidationError: Object contains extra field `extra` that is not in the validator\./,
        /Unexpected field `extra`/,
      );
    },
  },
  {
    name: "names that every JavaScript object has are extra fields like others",
    async run(host) {
      for (const name of ["constructor", "toString", "hasOwnProperty"]) {
        const extra = { [name]: 1 };
        await refused(host, host.query(api.validation.noArgs, extra), /extra field/);
        await refused(host, insert(host, "log", { text: "x", ...extra }), /extra field/);
        expect(await host.query(api.validation.echo, { value: extra })).toEqual(extra);
      }
    },
    differs: { host: "convex-test", why: "it finds them in its own objects" },
  },
  {
    name: "a wrong argument: the message has path, value and validator",
    async run(host) {
      await refused(
        host,
        host.mutation(api.validation.store, { ...valid, list: ["a", 1 as unknown as string] }),
        /ArgumentValidationError: Value does not match validator\.\nPath: \.list\[1\]\nValue: 1\.0\nValidator: v\.string\(\)/,
        /Expected `string`, got `1`/,
      );
    },
  },
  {
    name: "a wrong literal: the message has both",
    async run(host) {
      await refused(
        host,
        insert(host, "shapes", { kind: "triangle" }),
        /does not match the schema: /,
        /Validator error/,
      );
    },
  },
  {
    name: "the id of another table, as an argument and in a document",
    async run(host) {
      const [note] = await host.mutation(api.search.add, { notes: [{ label: "n", body: "b" }] });
      const row = note as unknown as NonNullable<Stored["row"]>;
      await refused(
        host,
        host.query(api.validation.row, { id: row }),
        /ArgumentValidationError: Found ID "\w+" from table `notes`, which does not match the table name in validator `v\.id\("rows"\)`\./,
        /Expected ID for table "rows"/,
      );
      await refused(
        host,
        insert(host, "typed", { ...valid, row }),
        /v\.id\("rows"\)/,
        /table "rows"/,
      );
    },
  },
  {
    name: "an id of the right table whose document is gone passes",
    async run(host) {
      const [id] = await host.mutation(api.rows.add, { rows: [{ label: "p" }] });
      if (id === undefined) throw new Error("no id");
      await host.mutation(api.rows.remove, { id });
      expect(await host.query(api.validation.row, { id })).toBeNull();
    },
  },
  {
    name: "an optional argument may be absent, and undefined is absent",
    async run(host) {
      expect(await host.query(api.validation.optional, { text: "x" })).toBe("x");
      expect(await host.query(api.validation.optional, {})).toBe("absent");
      expect(await host.query(api.validation.optional, { text: undefined })).toBe("absent");
      await refused(
        host,
        host.query(api.validation.optional, { text: null as unknown as string }),
        asArgument,
        /Validator error/,
      );
    },
  },
  {
    name: "a required v.any() takes null but must be there",
    async run(host) {
      expect(await host.query(api.validation.echo, { value: null })).toBeNull();
      await refused(
        host,
        host.query(api.validation.echo, {} as { value: null }),
        /required field `value`/,
      );
    },
  },
  {
    name: "a function without validators takes any object",
    async run(host) {
      expect(await host.query(api.validation.unvalidated, { a: 1, b: [] })).toEqual(["a", "b"]);
    },
  },
  {
    name: "results: right and wrong ones",
    async run(host) {
      const wrongResult = /ReturnsValidationError: /;
      const mock = /Return value validation failed/;
      expect(await host.query(api.validation.returnsText, { value: "x" })).toBe("x");
      expect(await host.query(api.validation.returnsObject, { value: { x: 1 } })).toEqual({
        x: 1,
      });
      await refused(host, host.query(api.validation.returnsText, { value: 1 }), wrongResult, mock);
      await refused(
        host,
        host.query(api.validation.returnsText, { value: null }),
        wrongResult,
        mock,
      );
      await refused(
        host,
        host.query(api.validation.returnsObject, { value: { x: 1, y: 2 } }),
        wrongResult,
        mock,
      );
      await refused(
        host,
        host.query(api.validation.returnsObject, { value: {} }),
        wrongResult,
        mock,
      );
      await refused(
        host,
        host.action(api.validation.returnsTextAction, { value: 1 }),
        wrongResult,
        mock,
      );
    },
  },
  {
    name: "a mutation with a wrong result writes nothing",
    async run(host) {
      await refused(
        host,
        host.mutation(api.validation.returnsTextAfterWrite, { value: 1 }),
        /ReturnsValidationError: Value does not match validator\.\n/,
        /./,
      );
      expect(await host.query(api.rows.all, {})).toEqual([]);
    },
    differs: { host: "convex-test", why: "it checks the result after the commit" },
  },
  {
    name: "a function that returns nothing returns null",
    async run(host) {
      expect(await host.query(api.validation.returnsNothing, {})).toBeNull();
    },
  },
  {
    name: "results that are no Convex values",
    async run(host) {
      await refused(
        host,
        host.query(api.validation.returnsMap, {}),
        /Map.* is not a supported Convex type/,
      );
      await refused(
        host,
        host.query(api.validation.returnsUndefinedInArray, {}),
        /undefined is not a valid Convex value/,
      );
    },
  },
  {
    name: "a document without a required field, and with an extra one",
    async run(host) {
      await refused(
        host,
        insert(host, "log", {}),
        /^([^]*\n)?.*Failed to insert or update a document in table "log" because it does not match the schema: Object is missing the required field `text`/,
        /Missing required field `text`/,
      );
      await refused(
        host,
        insert(host, "log", { text: "x", more: 1 }),
        /does not match the schema: Object contains extra field `more` that is not in the validator\./,
        /Unexpected field `more`/,
      );
    },
  },
  {
    name: "a union of objects: each shape passes, a mixture does not",
    async run(host) {
      await insert(host, "shapes", { kind: "circle", radius: 1 });
      const id = await insert(host, "shapes", { kind: "square", side: 1 });
      const no = [/does not match the schema/, /Validator error/] as const;
      await refused(host, insert(host, "shapes", { kind: "circle", side: 1 }), ...no);
      await refused(host, insert(host, "shapes", { kind: "circle", radius: 1, side: 1 }), ...no);
      await refused(
        host,
        host.mutation(api.validation.patchAny, {
          table: "shapes",
          id,
          value: { kind: "circle" },
        }),
        ...no,
      );
      await host.mutation(api.validation.replaceAny, {
        table: "shapes",
        id,
        value: { kind: "circle", radius: 2 },
      });
    },
  },
  {
    name: "patch and replace are held to the schema",
    async run(host) {
      const id = await insert(host, "log", { text: "x" });
      const no = [/does not match the schema/, /Validator error/] as const;
      const { patchAny, replaceAny, unsetAny } = api.validation;
      await refused(host, host.mutation(patchAny, { table: "log", id, value: { text: 1 } }), ...no);
      await refused(host, host.mutation(patchAny, { table: "log", id, value: { more: 1 } }), ...no);
      await refused(host, host.mutation(replaceAny, { table: "log", id, value: {} }), ...no);
      await refused(host, host.mutation(unsetAny, { id, field: "text" }), ...no);
      expect(await host.query(api.schedule.log, {})).toEqual(["x"]);
    },
  },
  {
    name: "a table that the schema lacks is only forbidden by the types",
    async run(host) {
      expect(await insert(host, "unlisted", { x: 1 })).toEqual(expect.any(String));
    },
  },
  {
    name: "only functions of the right kind can be called, and only those that exist",
    async run(host) {
      const mutation = api.rows.add as unknown as typeof api.rows.all;
      await refused(
        host,
        host.query(mutation, {}),
        /as Query, but it is defined as Mutation/,
        /not a query/,
      );
      await refused(
        host,
        host.anonymousQuery("rows:absent", {}),
        /Could not find public function for 'rows:absent'/,
        /no such export/,
      );
      await refused(
        host,
        host.anonymousQuery("nowhere:absent", {}),
        /Could not find public function/,
        /Could not find module/,
      );
    },
  },
  {
    name: "an internal function is no function to the public",
    async run(host) {
      expect(await host.query(api.meta.secret, {})).toBe("secret");
      await refused(
        host,
        host.anonymousQuery("meta:secret", {}),
        /Could not find public function for 'meta:secret'/,
      );
    },
    differs: { host: "convex-test", why: "it runs every function for everybody" },
  },
]);
