import fc from "fast-check";
import { expect, test } from "vitest";
import { roundedNumber } from "../../convex/kit/jsonNumbers";

test.each([
  ['{"n":9007199254740993}', "body.n"],
  ['{"a":[1,{"größe":-9007199254740993}]}', "body.a.1.größe"],
  ["123456789012345678901", "body"],
  ['{"n":9007199254740992.5}', "body.n"],
  ['{"n":90071992547409930e-1}', "body.n"],
  ['{"n":1.0000000000000000000001e21}', "body.n"],
  ['{"text":"\\\\\\"1","n":9007199254740993}', "body.n"],
])("an integer that comes back as another number is found: %s", (text, path) => {
  expect(roundedNumber(text, "body")).toBe(path);
});

test.each([
  '{"n":9007199254740991}',
  '{"n":-9007199254740992}',
  '{"n":123456789012345680000}',
  '{"n":1e21,"m":1E+21,"o":10.0e20,"p":1000000000000000000000}',
  '{"n":0.12345678901234567890,"m":5e-324,"o":1e-7}',
  '{"iban":"9007199254740993","text":"\\"9007199254740993","3e9007199254740993":1}',
  '{"n":9007199254740993,"n":1}',
])("what a double holds, or a text says, is taken: %s", (text) => {
  expect(roundedNumber(text, "body")).toBeNull();
});

test("an integer is found exactly where a BigInt says that its double prints as another", () => {
  const integers = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n });
  fc.assert(
    fc.property(integers, fc.string(), (integer, beside) => {
      const text = JSON.stringify({ beside, list: [0] }).replace("[0]", `[${integer}]`);
      const isHeld = shortest(Number(integer)) === integer;
      expect(roundedNumber(text, "body")).toBe(isHeld ? null : "body.list.0");
    }),
  );
});

/** The integer that a double prints as. */
function shortest(number: number): bigint {
  const [digits = "", exponent = "0"] = number.toExponential().split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  return BigInt(whole + fraction.padEnd(Number(exponent), "0"));
}

test("every JSON value that JavaScript printed is taken", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(roundedNumber(JSON.stringify(value), "body")).toBeNull();
    }),
  );
});

test("megabytes of escapes are looked through in time that grows with them", () => {
  const text = JSON.stringify({ a: '\\"'.repeat(1 << 20), b: "\\".repeat(1 << 20) });
  expect(roundedNumber(`{"n":9007199254740993,"o":${text}}`, "body")).toBe("body.n");
});
