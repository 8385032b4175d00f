import { convexToJson, getDocumentSize, type Value } from "convex/values";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printDocument } from "../../../scripts/local/database/documents";
import type { DocumentJson } from "../../../scripts/local/database/types";

const system = { _id: "j57038fsnnb8qa7ghz7b1d6djmr9k37h", _creationTime: 1 };

function print(fields: DocumentJson): () => string {
  return () => printDocument({ ...fields, ...system }).text;
}

function nested(levels: number): DocumentJson {
  return levels === 1 ? { a: 1 } : { a: nested(levels - 1) };
}

describe("a document", () => {
  test("is printed with its fields in order", () => {
    expect(print({ b: 1, a: 2, Z: 3 })()).toBe(
      '{"Z":3,"_creationTime":1,"_id":"j57038fsnnb8qa7ghz7b1d6djmr9k37h","a":2,"b":1}',
    );
  });

  test("has the size that Convex counts", () => {
    const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constant(null),
        fc.boolean(),
        fc.double(),
        fc.string({ unit: "grapheme" }),
        fc.bigInt({ min: 0n, max: 99n }),
        fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.record({ a: tie("value"), bc: tie("value") }),
      ),
    })).value;
    fc.assert(
      fc.property(value, (field) => {
        const document = { ...system, field };
        const { size } = printDocument(convexToJson(document) as DocumentJson);
        expect(size).toBe(getDocumentSize(document as never));
      }),
    );
  });

  test("of more than 1 MiB is refused", () => {
    expect(print({ a: "x".repeat(2 ** 20 - 100) })).not.toThrow();
    expect(print({ a: "x".repeat(2 ** 20) })).toThrow(
      /^Value is too large \(1 MiB > maximum size 1 MiB\)$/,
    );
  });

  test("may have 1,024 fields and no more", () => {
    const fields = (count: number): DocumentJson =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 1]));
    expect(print(fields(1_024))).not.toThrow();
    expect(print(fields(1_025))).toThrow("Object has too many fields (1025 > maximum number 1024)");
    expect(print({ inner: fields(1_025) })).toThrow("Object has too many fields");
  });

  test("may be nested 16 deep and no deeper", () => {
    expect(print(nested(16))).not.toThrow();
    expect(print(nested(17))).toThrow(
      "Document is too nested (nested 17 levels deep > maximum nesting 16)",
    );
  });

  test("may hold arrays of 8,192 elements and no longer", () => {
    expect(print({ a: Array<number>(8_192).fill(1) })).not.toThrow();
    expect(print({ a: Array<number>(8_193).fill(1) })).toThrow(
      "Array length is too long (8193 > maximum length 8192)",
    );
  });

  test.each([
    ["", "Field name cannot be empty"],
    ["$a", "Field name $a starts with '$', which is reserved."],
    ["_a", "Field '_a' starts with an underscore"],
    ["ä", "Field name ä has invalid character 'ä'"],
    ["a\n", "has invalid character"],
  ])("with the field name %j is refused, also inside", (name, message) => {
    expect(print({ [name]: 1 })).toThrow(message);
    expect(print({ list: [{ [name]: 1, other: 1 }] })).toThrow(message);
  });

  test("with a field name of more than 64 characters is refused, of more than 1,024 inside", () => {
    expect(print({ ["x".repeat(65)]: 1 })).toThrow("Field name is too long (65 > maximum 64)");
    expect(print({ list: [{ ["x".repeat(1024)]: 1 }] })).not.toThrow();
    expect(print({ list: [{ ["x".repeat(1025)]: 1 }] })).toThrow(
      "Field name is too long (1025 > maximum 1024)",
    );
  });

  test("with an unpaired surrogate is refused", () => {
    expect(print({ a: "\ud800" })).toThrow("unpaired surrogate");
    expect(print({ a: "😀" })).not.toThrow();
  });
});
