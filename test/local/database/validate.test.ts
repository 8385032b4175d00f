import { type GenericValidator, v, type ValidatorJSON } from "convex/values";
import { describe, expect, test } from "vitest";
import { encodeId } from "../../../scripts/local/database/ids";
import { checkValue } from "../../../scripts/local/database/validate";

const id = (table: number): string => encodeId(table, new Uint8Array(16));
const tableName = (number: number): string | null =>
  new Map([
    [10_001, "users"],
    [10_002, "posts"],
    [1_001, "_scheduled_functions"],
  ]).get(number) ?? null;

function check(validator: GenericValidator, value: unknown): string | null {
  const json = (validator as unknown as { json: ValidatorJSON }).json;
  return checkValue(json, value as never, tableName);
}

describe("a value", () => {
  test.each([
    ["null", v.null(), null],
    ["float64", v.number(), 1.5],
    ["float64 that JSON cannot hold", v.number(), { $float: "AAAAAAAA+H8=" }],
    ["int64", v.int64(), { $integer: "AQAAAAAAAAA=" }],
    ["commit timestamp not yet known", v.commitTs(), { $commitTs: null }],
    ["commit timestamp", v.commitTs(), { $integer: "AQAAAAAAAAA=" }],
    ["boolean", v.boolean(), false],
    ["string", v.string(), ""],
    ["bytes", v.bytes(), { $bytes: "AQI=" }],
    ["anything", v.any(), { a: [1, null] }],
    ["literal", v.literal("a"), "a"],
    ["int64 literal", v.literal(1n), { $integer: "AQAAAAAAAAA=" }],
    ["id", v.id("users"), id(10_001)],
    ["array", v.array(v.string()), ["a", "b"]],
    ["record", v.record(v.string(), v.number()), { a: 1 }],
    ["record by id", v.record(v.id("users"), v.number()), { [id(10_001)]: 1 }],
    ["object", v.object({ a: v.string(), b: v.optional(v.number()) }), { a: "x" }],
    ["union", v.union(v.string(), v.null()), null],
  ])("that is a %s matches", (_, validator, value) => {
    expect(check(validator, value)).toBeNull();
  });

  test.each([
    ["float64 for an int64", v.int64(), 1],
    ["int64 for a float64", v.number(), { $integer: "AQAAAAAAAAA=" }],
    ["array for an object", v.object({}), []],
    ["null for an optional field", v.object({ a: v.optional(v.string()) }), { a: null }],
    ["bytes for an object", v.object({}), { $bytes: "" }],
    ["inherited field", v.object({ toString: v.any() }), {}],
    ["empty union", v.union(), null],
    ["prototype's name", v.object({}), { constructor: 1 }],
  ])("that is a %s does not match", (_, validator, value) => {
    expect(check(validator, value)).not.toBeNull();
  });

  test("of another type is named with its path, itself and its validator", () => {
    const validator = v.object({ a: v.array(v.object({ b: v.string() })) });
    expect(check(validator, { a: [{ b: "x" }, { b: 1 }] })).toBe(
      "Value does not match validator.\nPath: .a[1].b\nValue: 1.0\nValidator: v.string()",
    );
  });

  test("without a required field says so", () => {
    expect(check(v.object({ b: v.number(), a: v.string() }), { b: 1 })).toBe(
      "Object is missing the required field `a`. Consider wrapping the field validator in " +
        "`v.optional(...)` if this is expected.\n\nObject: {b: 1.0}\n" +
        "Validator: v.object({a: v.string(), b: v.float64()})",
    );
  });

  test("with a field too many says so", () => {
    expect(check(v.object({}), { a: "x" })).toBe(
      "Object contains extra field `a` that is not in the validator.\n\n" +
        'Object: {a: "x"}\nValidator: v.object({})',
    );
  });

  test("that is the id of another table says which", () => {
    expect(check(v.object({ u: v.id("users") }), { u: id(10_002) })).toBe(
      `Found ID "${id(10_002)}" from table \`posts\`, which does not match the table name in ` +
        'validator `v.id("users")`.Path: .u',
    );
    expect(check(v.id("users"), id(1_001))).toContain("from a system table");
    expect(check(v.id("users"), id(10_009))).toContain("Value does not match validator.");
  });

  test("that is not the literal says so", () => {
    expect(check(v.literal("a"), "b")).toBe(
      '`"b"` does not match literal validator `v.literal("a")`.',
    );
  });

  test("that fails a union shows the union; the only member of one speaks for itself", () => {
    expect(check(v.union(v.string(), v.null()), 1)).toBe(
      "Value does not match validator.\n\nValue: 1.0\nValidator: v.union(v.string(), v.null())",
    );
    expect(check(v.union(v.object({})), { a: 1 })).toContain("extra field `a`");
  });

  test("in a record is reported as a key or a value", () => {
    const validator = v.record(v.id("users"), v.string());
    expect(check(validator, { x: "y" })).toContain("Path: .keys()");
    expect(check(validator, { [id(10_001)]: 1 })).toContain("Path: .values()");
  });
});
