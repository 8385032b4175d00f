import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findUnsafeValue, longText, text, webAddress } from "../../convex/kit/text";

const NUL = String.fromCharCode(0);
const LONE = String.fromCharCode(0xd800);

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

describe("unsafe values", () => {
  test.each([
    ["NUL in a value", { notes: `a${NUL}b` }, "body.notes"],
    ["NUL deep inside", { a: [{ b: NUL }] }, "body.a.0.b"],
    ["NUL in a key", { ["a" + NUL]: 1 }, "body"],
    ["a lone high surrogate", { name: LONE }, "body.name"],
    ["a lone low surrogate", { name: "x\udc00y" }, "body.name"],
    ["a lone surrogate in a key", { a: { [LONE]: 1 } }, "body.a"],
    ["nesting beyond 32", { a: nested(40) }, expect.stringMatching(/^body\.a(\.0)+$/) as string],
    ["a bare string", NUL, "body"],
    ["a number too large for a double", { a: [JSON.parse("1e999")] }, "body.a.0"],
  ])("%s is refused, with its path", (_name, value, path) => {
    expect(findUnsafeValue(value, "body")).toMatchObject({ path });
  });

  test("every well-formed JSON value without NUL passes", () => {
    const safe = fc.jsonValue({ maxDepth: 6, stringUnit: "grapheme" });
    fc.assert(
      fc.property(safe, (drawn) => {
        const value: unknown = JSON.parse(JSON.stringify(drawn));
        fc.pre(!JSON.stringify(value).includes("\\u0000"));
        expect(findUnsafeValue(value, "body")).toBeNull();
      }),
    );
  });

  test("every string with a lone surrogate is refused, wherever it stands", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const value = { a: [{ b: `${before}${LONE}.${after}` }] };
        expect(findUnsafeValue(value, "body")).not.toBeNull();
      }),
    );
  });
});

test.each([
  ["one character too many", text(3), "abcd", false],
  ["as many as allowed", text(3), "abc", true],
  ["white space around, which does not count", text(3), "  abc  ", true],
  ["nothing but white space", text(3), "   ", false],
  ["empty long text, which is allowed", longText(3), "", true],
  ["a too long long text", longText(3), "abcd", false],
  ["an https address", webAddress(), "https://acme.example/path?x=1#y", true],
  ["a javascript address", webAddress(), "javascript:alert(1)", false],
  ["an address without a host", webAddress(), "https://", false],
  ["an address with a line break", webAddress(), "https://a.example/\nb", false],
])("text: %s", (_name, schema, value, isGood) => {
  expect(schema.safeParse(value).success).toBe(isGood);
});
