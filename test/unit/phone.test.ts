import fc from "fast-check";
import { expect, test } from "vitest";
import { isPhoneNumber, phoneKey, phoneWords } from "../../convex/kit/phone";

const SPELLINGS = [
  "0171 123 45 67",
  "+49 (0)171/1234567",
  "0049 171 1234567",
  "0049171-1234567",
  "(0171) 123 45 67",
  "+49-171-123-4567",
  "tel:+491711234567",
  "tel:0171-1234567;phone-context=+49",
  "０１７１ １２３４５６７",
  "0171\u00a0123\u200b4567",
  "Tel. 0171 1234567 (privat)",
  "+49 0171 1234567",
  "٠١٧١١٢٣٤٥٦٧",
];

test.each(SPELLINGS)("the key of %s is its E.164 number", (phone) => {
  expect(phoneKey(phone, "DE")).toBe("+491711234567");
});

test.each(SPELLINGS)(
  "where the country is not known, %s has the key of the others all the same",
  (phone) => {
    expect(phoneKey(phone, null)).toBe("711234567");
  },
);

test.each([
  ["the country decides what a national number is", "0664 1234567", "AT", "+436641234567"],
  ["a number with a country code is of that country", "+1 (212) 555-0100", "DE", "+12125550100"],
  [
    "the country's own way of dialling abroad is known",
    "011 49 171 1234567",
    "US",
    "+491711234567",
  ],
  ["a zero that belongs to the number stays", "+39 06 1234567", "DE", "+39061234567"],
  ["an extension tells two people of a firm apart", "030 123456 ext. 12", "DE", "+4930123456x12"],
  ["so it does in a URI", "tel:030-123456;ext=12;phone-context=+49", "DE", "+4930123456x12"],
  [
    "two numbers in one field are compared by the end",
    "030 12345 / 0171 1234567",
    "DE",
    "711234567",
  ],
] as const)("%s", (_what, phone, region, key) => {
  expect(phoneKey(phone, region)).toBe(key);
});

test.each(["12", "4711", "none", "", "+49", "ext. 5"])(
  "%j is no number that tells people",
  (phone) => {
    expect([phoneKey(phone, "DE"), phoneKey(phone, null)]).toEqual([null, null]);
  },
);

test("a number is found by its digits, as dialled from abroad and from within", () => {
  expect(phoneWords("+49 (0)171/1234567")).toEqual(["491711234567", "01711234567"]);
  expect(phoneWords("0171 123 45 67")).toEqual(["01711234567"]);
  expect(phoneWords("171 1234567", "DE")).toEqual(["491711234567", "01711234567"]);
  expect(phoneWords("+49 30 123456 ext. 12")).toEqual(["4930123456", "030123456"]);
  expect(phoneWords("12")).toEqual([]);
});

test.each([
  ["0171 123 45 67", true],
  ["+49 (0)171/1234567", true],
  ["tel:+491711234567", true],
  ["0171-12", true],
  ["12 34", false],
  ["Ada 0171 1234567", false],
  ["2026-11-001a", false],
])("whether %j is searched for as a number: %s", (text, is) => {
  expect(isPhoneNumber(text)).toBe(is);
});

test("spaces, signs and what nobody sees never tell two numbers apart, and no text is refused", () => {
  const filler = fc.constantFrom("", " ", "-", "/", ".", "\u00a0", "\u200b", "\u2011");
  fc.assert(
    fc.property(fc.array(filler, { minLength: 9, maxLength: 9 }), (between) => {
      const digits = Array.from("0171123456");
      const phone = digits.map((digit, i) => digit + (between[i] ?? "")).join("");
      expect(phoneKey(phone, "DE")).toBe("+49171123456");
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 50 }), (text) => {
      phoneKey(text, "DE");
      phoneKey(text, null);
      phoneWords(text);
      isPhoneNumber(text);
    }),
    { numRuns: 50 },
  );
});
