import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { didYouMean } from "../../convex/kit/didYouMean";
import { readAs } from "../../convex/kit/problems";
import { GRANTS } from "../../convex/kit/scopes";
import { readingIn } from "../../convex/kit/reading";
import { businessDate } from "../../convex/kit/time";

/** What a caller is told of a value, as `path: message`. */
function told(schema: z.ZodType, value: unknown): string[] {
  const { problems = [] } = readingIn("UTC", () => readAs("body", schema, value));
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

const person = z.strictObject({ name: z.string().max(200), age: z.number().int().optional() });

describe("a schema's refusal says what to do", () => {
  test.each<[string, z.ZodType, unknown, string]>([
    ["a field that is not there", person, {}, "body.name: is required"],
    ["a body that is not there", person, undefined, "body: is required"],
    ["a time that is not there", z.object({ at: businessDate() }), {}, "body.at: is required"],
    ["a number for a text", person, { name: 5 }, "body.name: must be text, not a number"],
    ["a fraction for a text", person, { name: 1.5 }, "body.name: must be text, not a number"],
    ["null for a text", person, { name: null }, "body.name: must be text, not null"],
    ["true for a text", person, { name: true }, "body.name: must be text, not true"],
    ["a list for an object", person, [], "body: must be an object, not a list"],
    ["a text for a list", z.array(z.string()), "a", "body: must be a list, not text"],
    ["a fraction for a whole number", z.int(), 1.5, "body: must be a whole number"],
    ["a word for a number in a query", z.coerce.number(), "many", "body: must be a number"],
    ["a text for a switch", z.boolean(), "yes", "body: must be true or false, not text"],
    ["too long a text", z.string().max(200), "x".repeat(201), at("most 200 characters")],
    ["an empty text", z.string().min(1), "", "body: must not be empty"],
    ["an empty list", z.array(z.string()).min(1), [], "body: must not be empty"],
    ["too many entries", z.array(z.string()).max(1), ["a", "b"], at("most 1 entry")],
    ["too small a number", z.number().min(2), 1, "body: must be at least 2"],
    ["zero", z.number().positive(), 0, "body: must be more than 0"],
    ["an unknown word", z.enum(["a", "b", "c"]), "xyz", "body: must be one of a, b, c"],
    ["a number for a word", z.enum(["a", "b"]), 1, "body: must be one of a, b, not a number"],
    ["another literal", z.literal("stripe"), "paypal", "body: must be stripe"],
    ["an ill-formed day", z.iso.date(), "1.2.2026", "body: must be a day such as 2026-08-31"],
    [
      "none of several kinds",
      z.union([z.int(), z.literal("last")]),
      [],
      "body: must be a number or last",
    ],
    [
      "a message of the schema's own",
      z.string().max(1, "must be short"),
      "ab",
      "body: must be short",
    ],
  ])("%s", (_name, schema, value, message) => {
    expect(told(schema, value)).toEqual([message]);
  });

  test("of several forms, the problems of the one that was meant are told", () => {
    const form = z.union([
      z.strictObject({ card: z.string(), owner: z.string() }),
      z.strictObject({ iban: z.string() }),
    ]);
    expect(told(form, { iban: 5 })).toEqual(["body.iban: must be text, not a number"]);
    const kinds = z.discriminatedUnion("op", [
      z.object({ op: z.literal("upsert") }),
      z.object({ op: z.literal("delete") }),
    ]);
    expect(told(kinds, { op: "upset" })).toEqual([
      'body.op: must be one of upsert, delete. Did you mean "upsert"?',
    ]);
    expect(told(kinds, {})).toEqual(["body.op: is required"]);
  });

  test("a key that a record cannot have is named", () => {
    const events = z.partialRecord(z.enum(["invoice.paid", "invoice.overdue"]), z.boolean());
    expect(told(events, { "invoice.payed": true })).toEqual([
      'body.invoice.payed: is not a known field. Did you mean "invoice.paid"?',
    ]);
  });

  test("never in the library's own words, whatever is sent to whatever schema", () => {
    const schemas: z.ZodType[] = [
      ...[person, z.array(person), z.union([person, z.string()]), z.record(z.string(), z.int())],
      ...[z.enum(["a"]), z.tuple([z.string(), z.int()]), z.iso.datetime(), z.email(), z.uuid()],
      ...[z.literal([1, 2, null]), z.string().regex(/a/), z.number().multipleOf(5), z.never()],
      ...[z.bigint(), z.date(), z.set(z.string()), z.map(z.string(), z.int()), z.url()],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.anything(), (schema, value) => {
        for (const message of told(schema, value)) {
          expect(message).not.toMatch(/Invalid|expected|received|Too |Unrecognized|undefined/);
        }
      }),
    );
  });

  test("what a caller made up is said back shortened, and at most fifty times", () => {
    const names = Array.from({ length: 5000 }, (_, index) => `${"x".repeat(5000)}${index}`);
    const problems = told(person, Object.fromEntries([["name", "a"], ...names.map((n) => [n, 1])]));
    expect(problems).toHaveLength(50);
    expect(Math.max(...problems.map(({ length }) => length))).toBeLessThan(200);
  });
});

function at(most: string): string {
  return `body: must have at ${most}`;
}

describe("did you mean", () => {
  const fields = ["firstName", "lastName", "email", "phone", "company", "tags", "notes", "status"];
  test.each([
    ["firstname", "firstName"],
    ["first_name", "firstName"],
    ["fristName", "firstName"],
    ["emial", "email"],
    ["mail", "email"],
    ["e-mail", "email"],
    ["tag", "tags"],
    ["tasg", "tags"],
    ["Phone", "phone"],
    ["statuss", "status"],
  ])("%s: %s", (given, meant) => {
    expect(didYouMean(given, fields)).toBe(`. Did you mean "${meant}"?`);
  });

  test.each(["nickname", "surprise", "colour", "odd", "a", "", "toString", "x".repeat(5000)])(
    "%j is near to nothing",
    (given) => {
      expect(didYouMean(given, fields)).toBe("");
    },
  );

  test.each([
    ["invoice:write", "invoices:write"],
    ["crm.read", "crm:read"],
    ["project:read", "projects:read"],
    ["invoices:wirte", "invoices:write"],
  ])("the scope %s: %s", (given, meant) => {
    expect(didYouMean(given, GRANTS)).toBe(`. Did you mean "${meant}"?`);
  });

  test("a name that is known is meant by itself, and nothing far from all is meant", () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), (name) => {
        expect(didYouMean(name, fields)).toContain(`"${name}"`);
      }),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 13, unit: fc.constantFrom("q", "z", "%") }), (name) => {
        expect(didYouMean(name, fields)).toBe("");
      }),
    );
  });
});
