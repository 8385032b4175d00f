import fc from "fast-check";
import { expect, test } from "vitest";
import { numberKey } from "../../convex/ontology/salesDocument";

test.each([
  ["a character that nobody sees", "RE-2026\u200b-1"],
  ["a soft hyphen", "RE\u00ad-2026-1"],
  ["a mark of direction", "\u200eRE-2026-1"],
  ["case", "re-2026-1"],
  ["space around it", "  RE-2026-1 "],
  ["full-width forms", "ＲＥ-２０２６-１"],
])("%s does not tell two invoice numbers apart", (_what, number) => {
  expect(numberKey(number)).toBe(numberKey("RE-2026-1"));
});

test("the kind and amount of white space do not, whether there is any does", () => {
  expect(numberKey("RE\u00a0 2026 1")).toBe(numberKey("re 2026 1"));
  expect(numberKey("RE 20261")).not.toBe(numberKey("RE2026 1"));
});

test("a key is its own key", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (number) => {
      expect(numberKey(numberKey(number))).toBe(numberKey(number));
    }),
  );
});
