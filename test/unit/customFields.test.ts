import fc from "fast-check";
import { expect, test } from "vitest";
import { packCustomFields, unpackCustomFields } from "../../convex/kit/customFields";
import { customFields } from "../../convex/kit/customFieldsInput";

function nested(depth: number): unknown {
  return depth === 0 ? "x" : { a: nested(depth - 1) };
}
function keys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, i]));
}
/** A record whose JSON has exactly so many bytes. */
function ofBytes(bytes: number): Record<string, string> {
  return { a: "x".repeat(bytes - '{"a":""}'.length) };
}

test.each<[string, Record<string, unknown>, boolean]>([
  ["a Unicode key", { größe: "L", 日本語: 1, "🙂": true, "with space.and/dot": 1 }, true],
  ["names that objects have by nature", { constructor: 1, toString: 2, hasOwnProperty: 3 }, true],
  ["a key beginning with $", { $set: 1 }, false],
  ["a key beginning with _", { _id: 1 }, false],
  ["$ and _ further on", { a$b_c: 1 }, true],
  ["reserved names inside a value", { a: { $b: 1, _c: 2 } }, true],
  ["an empty key", { "": 1 }, false],
  ["a key of 200 characters", { ["k".repeat(200)]: 1 }, true],
  ["a key of 201 characters", { ["k".repeat(201)]: 1 }, false],
  ["100 keys", keys(100), true],
  ["101 keys", keys(101), false],
  ["values nested 8 deep", { a: nested(8) }, true],
  ["values nested 9 deep", { a: nested(9) }, false],
  ["32 KiB", ofBytes(32 * 1024), true],
  ["a byte more than 32 KiB", ofBytes(32 * 1024 + 1), false],
  ["more than 32 KiB in bytes, less in characters", { a: "日".repeat(11_000) }, false],
])("custom fields: %s", (_name, fields, isGood) => {
  expect(customFields().safeParse(fields).success).toBe(isGood);
});

test("what nobody sees in a key is not kept, and does not tell two keys apart", () => {
  expect(customFields().parse({ "si\u200bze": "L", größe: 1 })).toEqual({ size: "L", größe: 1 });
  const twins = customFields().safeParse({ size: "L", "si\u00adze": "M" });
  expect(twins.error?.issues.map(({ path }) => path)).toEqual([["si\u00adze"]]);
  expect(customFields().safeParse({ "\u200b": 1 }).success).toBe(false);
  expect(customFields().safeParse({ "\u200b_id": 1 }).success).toBe(false);
});

test("a key __proto__ is refused like every key that begins with _", () => {
  expect(customFields().safeParse(JSON.parse('{"__proto__": 1}')).success).toBe(false);
});

test("a problem names the key", () => {
  const { error } = customFields().safeParse({ good: 1, _bad: 2 });
  expect(error?.issues).toMatchObject([{ path: ["_bad"] }]);
});

test("what is stored comes back the same, in the same order", () => {
  const key = fc
    .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
    .filter((k) => !/^[$_]/.test(k));
  fc.assert(
    fc.property(fc.dictionary(key, fc.jsonValue({ maxDepth: 4 })), (fields) => {
      const clean = JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
      expect(JSON.stringify(unpackCustomFields(packCustomFields(clean)))).toBe(
        JSON.stringify(clean),
      );
    }),
  );
});

test("no custom fields are an empty record", () => {
  expect(unpackCustomFields(undefined)).toEqual({});
});
