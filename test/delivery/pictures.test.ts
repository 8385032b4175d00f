import { encode } from "jpeg-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Books, line, openBooks } from "../invoicing/books";
import { hasPoppler, picturesOf, textOf } from "./pdfText";
import { differenceOf, DPI, expectPicture, MAX_OTHER_PIXELS, readPgm } from "./pictures";
import { BUYER, SETTINGS } from "./settings";

let books: Books;

beforeEach(async () => {
  // What a document says of today: its number's month, a quote's dates, a reminder's deadline.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 1, 20, 12) });
  books = await openBooks(SETTINGS);
});
afterEach(() => vi.useRealTimers());

const pdfOf = async (path: string): Promise<Buffer> => {
  const response = await books.backend.fetch(`/api/v1${path}`, {
    headers: { Authorization: `Bearer ${books.apiKey}` },
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
};

/** Compares each page that has a name. */
const looksAs = async (path: string, ...names: (string | null)[]): Promise<Buffer[]> => {
  const pages = await picturesOf(await pdfOf(path), DPI);
  for (const [index, name] of names.entries()) {
    if (name !== null) await expectPicture(name, pages[index]);
  }
  return pages;
};

const LINES = [
  line({ description: "Konzept und Gestaltung der Website", quantity: 12.5, unit: "h" }),
  line({ description: "Lektorat", unitPriceInCents: 45_000, taxRatePercent: 7 }),
  line({ description: "Wartung, drei Monate", quantity: 3, unit: "Monat", discountPercent: 10 }),
];

describe.skipIf(!hasPoppler)("it looks as its reference picture", () => {
  test("an invoice", async () => {
    const { id } = await books.sent({ billTo: BUYER, lineItems: LINES, notes: "Projekt Nordwind" });
    await looksAs(`/invoices/${id}/pdf`, "invoice");
  });

  test("an English draft, with a logo", async () => {
    await books.patch("/organization", { locale: "en-GB", invoiceFooter: "Thank you!" });
    const data = Buffer.alloc(240 * 80 * 4, 90);
    const logo = encode({ width: 240, height: 80, data }, 90).data;
    const uploaded = await books.request("POST", "/organization/logo", {
      raw: new Uint8Array(logo),
      headers: { "Content-Type": "image/jpeg" },
    });
    expect(uploaded.status).toBe(200);
    const { id } = await books.draft({ billTo: BUYER, lineItems: LINES });
    await looksAs(`/invoices/${id}/pdf`, "draft-in-english");
  });

  test("a credit note", async () => {
    const { id } = await books.sent({ billTo: BUYER, lineItems: LINES });
    const answer = await books.post(`/invoices/${id}/credit-notes`, {
      reason: "Doppelt berechnet",
    });
    const { creditNote } = answer.body.data as unknown as { creditNote: { id: string } };
    await looksAs(`/credit-notes/${creditNote.id}/pdf`, "credit-note");
  });

  test("a quote", async () => {
    const quote = await books.post("/quotes", {
      type: "b2b_single",
      lineItems: LINES,
      billTo: BUYER,
    });
    expect(quote.text && quote.status).toBe(201);
    await looksAs(`/quotes/${quote.body.data.id}/pdf`, "quote");
  });

  test("a reminder of what is still open", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    await books.post(`/invoices/${id}/pay`, { amountInCents: 1900, paymentMethod: "cash" });
    await looksAs(`/invoices/${id}/reminder?level=2`, "reminder");
  });

  test("a table that goes on, and ends, on further pages", async () => {
    const lineItems = Array.from({ length: 60 }, (_, index) =>
      line({ description: `Leistung ${index + 1}` }),
    );
    const { id } = await books.sent({ billTo: BUYER, lineItems });
    const pages = await looksAs(`/invoices/${id}/pdf`, null, "long-table-page-2");
    await expectPicture("long-table-last-page", pages.at(-1));
  });

  test("names of other scripts", async () => {
    const lineItems = [
      "网站设计与开发",
      "ウェブサイトの制作",
      "웹사이트 제작",
      "تصميم موقع",
      "עיצוב אתר",
    ].map((description) => line({ description }));
    const name = "株式会社サンプル · شركة المثال · חברה לדוגמה";
    const { id } = await books.sent({ billTo: { ...BUYER, name }, lineItems });
    await looksAs(`/invoices/${id}/pdf`, "scripts");
  });

  test("and a page with one line more does not", async () => {
    const pageOf = async (lines: number): Promise<ReturnType<typeof readPgm>> => {
      const { id } = await books.draft({ lineItems: LINES.slice(0, lines) });
      const [page] = await picturesOf(await pdfOf(`/invoices/${id}/pdf`), DPI);
      return readPgm(page ?? Buffer.alloc(0));
    };
    // One after the other: two actions of convex-test cannot store files at once.
    const one = await pageOf(1);
    const two = await pageOf(2);
    expect(differenceOf(one, one)).toBe(0);
    expect(differenceOf(one, two)).toBeGreaterThan(MAX_OTHER_PIXELS);
  });
});

test.skipIf(!hasPoppler)("the footer stands on no page of its own", async () => {
  const { id } = await books.draft({ billTo: BUYER });
  const counts: number[] = [];
  // From some lines before the page is full.
  for (let lines = 14; lines < 30 && (counts.at(-1) ?? 1) === 1; lines++) {
    const notes = Array.from({ length: lines }, (_, index) => `Notiz ${index + 1}`).join("\n");
    expect((await books.patch(`/invoices/${id}`, { notes })).status).toBe(200);
    const pages = (await textOf(await pdfOf(`/invoices/${id}/pdf`))).split("\f").slice(0, -1);
    const last = pages.at(-1) ?? "";
    expect(last).toContain("Vielen Dank");
    expect(last).toContain(`Notiz ${lines}`);
    counts.push(pages.length);
  }
  expect([counts[0], counts.at(-1)]).toEqual([1, 2]);
});

test.skipIf(!hasPoppler)(
  "one paragraph that is longer than a page is printed to its end",
  async () => {
    const words = Array.from({ length: 2000 }, (_, index) => `Wort${index + 1}`);
    const { id } = await books.draft({ billTo: BUYER, notes: words.join(" ") });
    const text = await textOf(await pdfOf(`/invoices/${id}/pdf`));
    expect(text.match(/Wort\d+/g)).toEqual(words);
    expect(text).toContain("Vielen Dank");
  },
);

test.skipIf(!hasPoppler)(
  "500 lines stand on numbered pages, each with the table's head",
  async () => {
    const lineItems = Array.from({ length: 500 }, (_, index) =>
      line({ description: `Leistung ${index + 1}` }),
    );
    const { id } = await books.sent({ billTo: BUYER, lineItems });
    const pages = (await textOf(await pdfOf(`/invoices/${id}/pdf`))).split("\f").slice(0, -1);
    expect(pages.length).toBeGreaterThan(10);
    for (const [index, page] of pages.entries()) {
      expect(page).toContain(`Seite ${index + 1} von ${pages.length}`);
      // The sums may be on a page of their own.
      const hasLines = page.includes("Leistung ");
      expect(hasLines || index === pages.length - 1).toBe(true);
      expect(page.match(/Beschreibung/g) ?? []).toHaveLength(hasLines ? 1 : 0);
    }
    const printed = [...pages.join("\n").matchAll(/Leistung (\d+)/g)].map(([, number]) =>
      Number(number),
    );
    expect(printed).toEqual(lineItems.map((_, index) => index + 1));
    expect(pages.at(-1)).toContain("59.500,00 €");
  },
);
