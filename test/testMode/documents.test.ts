import { PDFDocument, PDFName } from "@cantoo/pdf-lib";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { brokenRules, readXml } from "../delivery/en16931";
import { hasPoppler, type PrintedWord, wordsOf } from "../delivery/pdfText";
import { BUYER, SETTINGS } from "../delivery/settings";
import { type Fixture, newBackend, newTestTenant, type Tenant } from "../helpers/backend";
import { created, type Doc, invoice, line, shown } from "../invoicing/books";

/** What documents of a test organization say of themselves, on every page and in every syntax. */
let home: Fixture;
let trial: Tenant;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  home = await newBackend();
  trial = await newTestTenant(home);
  for (const { request } of [home, trial]) {
    expect((await request("PATCH", "/organization", { body: SETTINGS })).status).toBe(200);
  }
});

async function bytesOf({ apiKey }: Tenant, path: string): Promise<Buffer> {
  const headers = { Authorization: `Bearer ${apiKey}` };
  const response = await home.backend.fetch(`/api/v1${path}`, { headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([path, response.status, response.ok ? "" : bytes.toString()]).toEqual([path, 200, ""]);
  return bytes;
}

async function draftIn({ request }: Tenant, fields: Record<string, unknown> = {}): Promise<Doc> {
  const body = invoice({ billTo: BUYER, ...fields });
  return created(await request("POST", "/invoices", { body }));
}

async function sentIn(at: Tenant, fields: Record<string, unknown> = {}): Promise<Doc> {
  const { id } = await draftIn(at, fields);
  return shown(await at.request("POST", `/invoices/${id}/send`, { body: { channels: [] } }));
}

const LONG = Array.from({ length: 45 }, (_, index) =>
  line({ description: `Leistung w${1000 + index}\nzweite Zeile` }),
);

/** Of a mark across a page: turned, each letter stands for itself, and is larger than any other. */
const isMark = ({ top, bottom }: PrintedWord): boolean => bottom - top > 100;

/** What stands across each page. */
function marksOf(words: readonly PrintedWord[]): string[] {
  const pages = new Map<number, string>();
  for (const word of words.filter(isMark)) {
    pages.set(word.page, (pages.get(word.page) ?? "") + word.text);
  }
  return [...pages.values()];
}

async function pageCountOf(pdf: Buffer): Promise<number> {
  return (await PDFDocument.load(pdf)).getPageCount();
}

describe.skipIf(!hasPoppler)("TEST stands across every page", () => {
  test("of a long invoice, which is read as that of a live organization", async () => {
    const { id } = await sentIn(trial, { lineItems: LONG });
    const pdf = await bytesOf(trial, `/invoices/${id}/pdf`);
    const words = await wordsOf(pdf);
    const pages = await pageCountOf(pdf);
    expect(pages).toBeGreaterThan(2);
    expect(marksOf(words)).toEqual(Array.from({ length: pages }, () => "TEST"));
    const found = words.map(({ text }) => text).filter((text) => /^w\d{4}$/.test(text));
    expect(found).toEqual(LONG.map((_, index) => `w${1000 + index}`));

    const live = await sentIn(home, { lineItems: LONG });
    const same = await wordsOf(await bytesOf(home, `/invoices/${live.id}/pdf`));
    expect(marksOf(same)).toEqual([]);
    const texts = (all: PrintedWord[]): string[] =>
      all.filter((each) => !isMark(each)).map(({ text }) => text.replace("TEST-INV", "INV"));
    expect(texts(words)).toEqual(
      texts(same).map((text) =>
        text.replace("Test Studio", "Trial Studio").replace(/^Test$/, "Trial"),
      ),
    );
  });

  test("of drafts, cancelled ones, credit notes, quotes, reminders and hybrids", async () => {
    const draft = await draftIn(trial);
    const sent = await sentIn(trial);
    const cancelled = await sentIn(trial);
    await trial.request("POST", `/invoices/${cancelled.id}/cancel`, { body: {} });
    const dropped = await draftIn(trial);
    await trial.request("POST", `/invoices/${dropped.id}/cancel`, { body: {} });
    const { dueDate: _due, ...quoted } = invoice({ billTo: BUYER });
    const quote = created(await trial.request("POST", "/quotes", { body: quoted }));
    const path = `/invoices/${sent.id}/credit-notes`;
    const credit = { lineItems: [line({ unitPriceInCents: 100 })], reason: "Irrtum" };
    const answer = await trial.request("POST", path, { body: credit });
    const { creditNote } = answer.body.data as unknown as { creditNote: Doc };
    const marks: Record<string, string> = {
      [`/invoices/${draft.id}/pdf`]: "TESTENTWURF",
      [`/invoices/${sent.id}/pdf`]: "TEST",
      [`/invoices/${sent.id}/pdf?format=facturx`]: "TEST",
      [`/invoices/${sent.id}/reminder?level=2`]: "TEST",
      [`/invoices/${cancelled.id}/pdf`]: "TEST",
      [`/invoices/${dropped.id}/pdf`]: "TESTSTORNIERT",
      [`/quotes/${quote.id}/pdf`]: "TESTENTWURF",
      [`/credit-notes/${creditNote.id}/pdf`]: "TEST",
    };
    for (const [at, mark] of Object.entries(marks)) {
      const pdf = await bytesOf(trial, at);
      const pages = Array.from({ length: await pageCountOf(pdf) }, () => mark);
      expect([at, marksOf(await wordsOf(pdf))]).toEqual([at, pages]);
    }
  });

  test("without transparency, which PDF/A has rules for", async () => {
    const { id } = await sentIn(trial);
    const hybrid = await PDFDocument.load(
      await bytesOf(trial, `/invoices/${id}/pdf?format=facturx`),
    );
    for (const page of hybrid.getPages()) {
      expect(page.node.get(PDFName.of("Group"))).toBeUndefined();
    }
    const states = hybrid.context.enumerateIndirectObjects().map(([, object]) => object.toString());
    expect(
      states.filter((text) => /\/(ca|CA) 0?\.\d/.test(text) || text.includes("/SMask")),
    ).toEqual([]);
  });
});

test("an e-invoice says in its notes (BT-22) that it is a test, and breaks no rule", async () => {
  const { id, name } = await sentIn(trial, { notes: "Danke" });
  const live = await sentIn(home, { notes: "Danke" });
  for (const syntax of ["ubl", "cii"] as const) {
    const xml = (await bytesOf(trial, `/invoices/${id}/xml?syntax=${syntax}`)).toString();
    expect(brokenRules(readXml(xml))).toEqual([]);
    expect(name).toMatch(/^TEST-INV-/);
    expect(xml).toContain(`>${name}<`);
    expect(xml).toContain("TEST: Dieses Dokument dient der Erprobung.");
    expect(xml).toContain("Danke");
    const real = (await bytesOf(home, `/invoices/${live.id}/xml?syntax=${syntax}`)).toString();
    expect(real).not.toContain("TEST");
  }
});
