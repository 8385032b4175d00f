import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { brokenLines } from "../../convex/delivery/pdf/lineBreaks";
import { linesOfAddress } from "../../convex/delivery/printed/postalAddress";
import { type Books, line, openBooks } from "../invoicing/books";
import { hasPoppler, type PrintedWord, textOf, wordsOf } from "./pdfText";
import { BUYER, SETTINGS } from "./settings";

let books: Books;

beforeEach(async () => {
  books = await openBooks(SETTINGS);
});

const pdfOf = async (path: string): Promise<Buffer> => {
  const response = await books.backend.fetch(`/api/v1${path}`, {
    headers: { Authorization: `Bearer ${books.apiKey}` },
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
};

const A4 = { width: 595.3, height: 841.9 };
const MARGIN = { left: 70.8, right: A4.width - 56.6 };

/** Words that stand over another: more than a line's own overlap of ascenders and descenders. */
function overlaps(words: readonly PrintedWord[]): [string, string][] {
  const core = ({ top, bottom }: PrintedWord): [number, number] => {
    const middle = (top + bottom) / 2;
    return [middle - (bottom - top) * 0.15, middle + (bottom - top) * 0.15];
  };
  return words.flatMap((one, index) =>
    words.slice(index + 1).flatMap((two): [string, string][] => {
      if (one.page !== two.page || one.left >= two.right - 1 || two.left >= one.right - 1)
        return [];
      const [[top, bottom], [otherTop, otherBottom]] = [core(one), core(two)];
      return top < otherBottom && otherTop < bottom ? [[one.text, two.text]] : [];
    }),
  );
}

/** Words by a number of their own, so that each is known again in the text of the pages. */
const LETTERS = ["a", "W", "i", "ß", "é", "Ж", "Ω", "汉", "の", "한", "/", "-"];
const word = fc
  .tuple(fc.constantFrom(...LETTERS), fc.oneof(fc.nat(9), fc.nat(160)))
  .map(([letter, length]) => letter.repeat(length));
const words = (max: number): fc.Arbitrary<string[]> =>
  fc.array(word, { minLength: 1, maxLength: max });
const separator = fc.constantFrom(" ", " ", " ", "\n");

const content = fc.record({
  descriptions: fc.array(fc.tuple(words(40), separator), { minLength: 1, maxLength: 4 }),
  notes: fc.tuple(words(60), separator),
  name: words(3),
  street: words(3),
  city: words(2),
});

describe.skipIf(!hasPoppler)("a page", () => {
  test("shows every word once, none over another and none beside the page, whatever the texts", async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(content, async (drawn) => {
        const known: string[] = [];
        const told = (parts: readonly string[], between = " ", most = Infinity): string => {
          let text = "";
          for (const part of parts) {
            const next = `q${(count += 1)}z${part}x`.slice(0, most);
            if (text !== "" && text.length + 1 + next.length > most) break;
            known.push(next);
            text += (text === "" ? "" : between) + next;
          }
          return text;
        };
        const billTo = {
          ...BUYER,
          name: told(drawn.name, " ", 190),
          address: {
            street: told(drawn.street, " ", 190),
            city: told(drawn.city, " ", 190),
            country: "DE",
          },
        };
        const lineItems = drawn.descriptions.map(([parts, between]) =>
          line({
            description: told(parts, between, 990),
            quantity: 1234.5,
            unitPriceInCents: 99_999_999,
          }),
        );
        const invoiceNumber = `N${(count += 1)}-${"8".repeat(20)}`;
        const notes = told(drawn.notes[0], drawn.notes[1], 4000);
        const { id } = await books.sent({ billTo, lineItems, notes, invoiceNumber });
        const printed = await wordsOf(await pdfOf(`/invoices/${id}/pdf`));
        for (const { left, right, top, bottom, text } of printed) {
          expect(left, text).toBeGreaterThanOrEqual(MARGIN.left - 0.5);
          expect(right, text).toBeLessThanOrEqual(MARGIN.right + 0.5);
          expect(top, text).toBeGreaterThanOrEqual(50);
          expect(bottom, text).toBeLessThanOrEqual(A4.height - 20);
        }
        expect(overlaps(printed)).toEqual([]);
        const text = textOfColumn(printed);
        for (const one of known) {
          const times = text.split(one.normalize("NFC")).length - 1;
          expect(times, one).toBe(1);
        }
      }),
      { numRuns: 6 },
    );
  }, 120_000);

  test("a line of 150 short lines goes on overleaf, and is whole", async () => {
    const parts = Array.from({ length: 150 }, (_, index) => `d${1000 + index}`);
    const lineItems = [line({ description: parts.join("\n") }), line({ description: "After" })];
    const { id } = await books.sent({ billTo: BUYER, lineItems });
    const printed = await wordsOf(await pdfOf(`/invoices/${id}/pdf`));
    const found = printed.map(({ text }) => text).filter((text) => /^d\d{4}$/.test(text));
    expect(found).toEqual(parts);
    expect(overlaps(printed)).toEqual([]);
    expect(printed.filter(({ text }) => text === "After")).toHaveLength(1);
  });

  test("of four lines and a QR code is one, and bears its number and its place", async () => {
    const lineItems = Array.from({ length: 4 }, (_, index) =>
      line({ description: `Leistung ${index}\nmit einer zweiten Zeile` }),
    );
    const { id, name } = await books.sent({ billTo: BUYER, lineItems, notes: "Danke" });
    const text = await textOf(await pdfOf(`/invoices/${id}/pdf`));
    expect(text).toContain("Scannen und bezahlen");
    expect(text).toContain("Seite 1 von 1");
    expect(text.match(new RegExp(`Rechnung ${name}`, "g"))).toHaveLength(2);
  });

  test("of a credit note asks for no money and names no account", async () => {
    const invoice = await books.sent({ billTo: BUYER });
    const answer = await books.post(`/invoices/${invoice.id}/credit-notes`, { reason: "Irrtum" });
    const { creditNote } = answer.body.data as unknown as { creditNote: { id: string } };
    const text = await textOf(await pdfOf(`/credit-notes/${creditNote.id}/pdf`));
    expect(text).not.toMatch(/Bitte zahlen|IBAN|Scannen/);
  });
});

/** The words as they are read, without what stands on every page: heads of the table, and the foot. */
function textOfColumn(printed: readonly PrintedWord[]): string {
  const heads = /^(Pos\.|Beschreibung|Menge|Einzelpreis|USt\.|Nettobetrag)$/;
  const feet = new Map<number, number>();
  for (const { page, top, text } of printed) if (text === "Seite") feet.set(page, top);
  return printed
    .filter(({ page, top, text }) => top < (feet.get(page) ?? 0) - 2 && !heads.test(text))
    .map(({ text }) => text)
    .join("")
    .normalize("NFC");
}

describe("a text is broken", () => {
  const wide = (text: string): number => Array.from(text).length;

  test("into lines that fit, with nothing lost and nothing added but the spaces at their ends", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 12, max: 40 }),
        (text, most) => {
          const lines = brokenLines(text, most, wide);
          const plain = (value: string): string => value.replace(/[\s\u200b\u0085]/gu, "");
          expect(plain(lines.join(""))).toBe(plain(text));
          // A character as people see it may be several: it is not parted.
          for (const one of lines) {
            if (one.length > 1 && /^[\x20-\x7e]*$/.test(one))
              expect(wide(one)).toBeLessThanOrEqual(most);
          }
        },
      ),
    );
  });

  test("at spaces, else after punctuation, else anywhere; between Chinese characters, not before their stops", () => {
    expect(brokenLines("one two three", 8, wide)).toEqual(["one two", "three"]);
    expect(brokenLines("https://a.example/path", 12, wide)).toEqual(["https://a.", "example/path"]);
    expect(brokenLines("abcdefghij", 4, wide)).toEqual(["abcd", "efgh", "ij"]);
    expect(brokenLines("1\u00a0234,50\u00a0€ x", 10, wide)).toEqual(["1\u00a0234,50\u00a0€", "x"]);
    expect(brokenLines("汉字排版。汉字", 4, wide)).toEqual(["汉字排", "版。汉字"]);
  });
});

test("an address has the order of its country, and loses nothing for which that has no place", () => {
  const address = { street: "1 High St", city: "Town", state: "TX", postalCode: "12345" };
  const lines = (country: string, others = {}): string[] =>
    linesOfAddress({ ...address, ...others, country }, "en");
  expect(lines("US")).toEqual(["1 High St", "Town, TX 12345", "United States"]);
  expect(lines("United Kingdom", { state: "Kent", postalCode: "AB1 2CD" })).toEqual([
    "1 High St",
    "Town",
    "AB1 2CD",
    "Kent",
    "United Kingdom",
  ]);
  expect(lines("DE", { state: undefined })).toEqual(["1 High St", "12345 Town", "Germany"]);
  expect(lines("SE", { state: undefined, postalCode: "SE-113 30" })).toContain("SE-113 30 Town");
  expect(lines("Atlantis")).toEqual(["1 High St", "12345 Town", "TX", "Atlantis"]);
});
