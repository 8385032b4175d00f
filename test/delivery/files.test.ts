import { beforeEach, describe, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { type Books, line, openBooks } from "../invoicing/books";
import { newKey, newTenant } from "../helpers/backend";
import { BUYER, SETTINGS } from "./settings";
import { hasPoppler, textOf } from "./pdfText";

let books: Books;

beforeEach(async () => {
  books = await openBooks(SETTINGS);
});

const pdfOf = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  await books.backend.fetch(`/api/v1${path}`, {
    headers: { Authorization: `Bearer ${books.apiKey}`, ...headers },
  });

const bytesOf = async (response: Response): Promise<Buffer> =>
  Buffer.from(await response.arrayBuffer());

describe.skipIf(!hasPoppler)("an invoice's PDF", () => {
  test("is sent as a file that says what the invoice says", async () => {
    const invoice = await books.sent({ billTo: BUYER });
    const response = await pdfOf(`/invoices/${invoice.id}/pdf`);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/pdf");
    expect(response.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(response.headers.get("Content-Disposition")).toContain(`filename="${invoice.name}.pdf"`);
    const text = await textOf(await bytesOf(response));
    for (const part of [
      `Rechnung ${invoice.name}`,
      "Studio Nord GmbH",
      "Beispiel AG",
      "10115 Berlin",
      "DE987654321",
      "10. Januar 2026",
      "9. Februar 2026",
      "USt. 19 % auf 100,00 €",
      "119,00 €",
      "DE89 3704 0044 0532 0130 00",
      "USt-IdNr.: DE123456789",
      "Seite 1 von 1",
      "Vielen Dank für Ihren Auftrag!",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("ENTWURF");
    // In the head, above the recipient, in the recipient's address, which says "DE", and in the foot.
    expect(text.match(/Deutschland/g)).toHaveLength(4);
  });

  test("is what GET /invoices/:id answers where Accept prefers it, and JSON anywhere else", async () => {
    const { id } = await books.sent();
    const pdf = await pdfOf(`/invoices/${id}`, { Accept: "application/pdf" });
    expect(pdf.headers.get("Content-Type")).toBe("application/pdf");
    expect(pdf.headers.get("Vary")).toContain("Accept");
    for (const Accept of [
      "application/json",
      "*/*",
      "text/html",
      "application/pdf;q=0.5, application/json",
    ]) {
      const json = await pdfOf(`/invoices/${id}`, { Accept });
      expect([Accept, json.headers.get("Content-Type")]).toEqual([
        Accept,
        "application/json; charset=utf-8",
      ]);
    }
  });

  test("is made once: the same bytes, and 304 for who has them", async () => {
    const { id } = await books.sent();
    const first = await pdfOf(`/invoices/${id}/pdf`);
    const tag = first.headers.get("ETag") ?? "";
    const second = await pdfOf(`/invoices/${id}/pdf`);
    expect((await bytesOf(second)).equals(await bytesOf(first))).toBe(true);
    expect(await filesOf(books)).toHaveLength(1);
    const known = await pdfOf(`/invoices/${id}/pdf`, { "If-None-Match": tag });
    expect([known.status, await known.text()]).toEqual([304, ""]);
  });

  test("of a draft is made once per version", async () => {
    const { id } = await books.draft();
    const tagOf = async (): Promise<string | null> =>
      (await pdfOf(`/invoices/${id}/pdf`)).headers.get("ETag");
    const tag = await tagOf();
    expect(await tagOf()).toBe(tag);
    expect(await filesOf(books)).toHaveLength(1);
    await books.patch(`/invoices/${id}`, { notes: "Danke" });
    expect(await tagOf()).not.toBe(tag);
  });

  test("says every letter, whatever letters the documents before it had", async () => {
    // The glyph of the one is a part of the glyph of the other.
    for (const name of ["Ÿps GmbH", "Yps GmbH"]) {
      const { id } = await books.sent({ billTo: { ...BUYER, name } });
      expect(await textOf(await bytesOf(await pdfOf(`/invoices/${id}/pdf`)))).toContain(name);
    }
  });

  // Over HTTP in server.test.ts: two actions of convex-test cannot store files at once.
  test("made twice at once is kept once", async () => {
    const { id } = await books.draft();
    const { organizationId } = books;
    const kept = await books.backend.action(internal.delivery.pdf.makePdf, {
      ...{ organizationId, objectId: id as Id<"objects">, format: "pdf" as const },
    });
    if (!kept) throw new Error("No file.");
    const [row] = await filesOf(books);
    const second = await books.backend.run(async ({ storage }) => await storage.store(new Blob()));
    const again = await books.backend.mutation(internal.delivery.documentFiles.keep, {
      ...{ organizationId, objectId: id as Id<"objects">, format: "pdf" as const },
      ...{ edition: row?.edition ?? "", isForToday: false },
      file: { ...kept, storageId: second },
    });
    expect(again).toEqual(kept);
    expect(await filesOf(books)).toHaveLength(1);
    const stored = await books.backend.run(
      async ({ db }) => await db.system.query("_storage").collect(),
    );
    expect(stored).toHaveLength(1);
  });

  test("of a draft follows the settings that it prints", async () => {
    const { id } = await books.draft();
    const before = (await pdfOf(`/invoices/${id}/pdf`)).headers.get("ETag");
    await books.patch("/organization", { invoiceFooter: "See you" });
    const after = await pdfOf(`/invoices/${id}/pdf`);
    expect(after.headers.get("ETag")).not.toBe(before);
    expect(await textOf(await bytesOf(after))).toContain("See you");
  });

  test("of a draft says so, and has no code to pay by", async () => {
    const { id } = await books.draft();
    expect(await textOf(await bytesOf(await pdfOf(`/invoices/${id}/pdf`)))).toContain("ENTWURF");
    const [file] = await filesOf(books);
    expect(file?.deleteAfter).toBeGreaterThan(Date.now());
  });

  test.each([
    ["fr-FR", "10 janvier 2026", "1 234,50 €"],
    ["it-IT", "10 gennaio 2026", "1234,50 €"],
    ["es-ES", "10 de enero de 2026", "1234,50 €"],
    ["nl-NL", "10 januari 2026", "€ 1.234,50"],
    ["pl-PL", "10 stycznia 2026", "1234,50 €"],
    ["ja-JP", "2026年1月10日", "€1,234.50"],
    ["en-US", "January 10, 2026", "€1,234.50"],
    ["ar-EG", "10 يناير 2026", "1,234.50"],
  ])("of %s is in English, with days and amounts in its own manner", async (locale, day, money) => {
    await books.patch("/organization", { locale });
    const lineItems = [line({ unitPriceInCents: 123_450, taxRatePercent: 0, taxCategory: "zero" })];
    const { id, name } = await books.sent({ lineItems });
    const text = await textOf(await bytesOf(await pdfOf(`/invoices/${id}/pdf`)));
    expect(text).toContain(`Invoice ${name}`);
    // Right-to-left text is extracted in another order: its words are looked for one by one.
    for (const word of [...day.split(" "), money]) expect(text).toContain(word);
  });
});

describe.skipIf(!hasPoppler)("other documents", () => {
  test("a credit note and a quote have theirs", async () => {
    const invoice = await books.sent();
    const answer = await books.post(`/invoices/${invoice.id}/credit-notes`, { reason: "Doppelt" });
    const { creditNote } = answer.body.data as unknown as {
      creditNote: { id: string; name: string };
    };
    const note = await textOf(await bytesOf(await pdfOf(`/credit-notes/${creditNote.id}/pdf`)));
    expect(note).toContain(`Rechnungskorrektur ${creditNote.name}`);
    expect(note).toContain(invoice.name);
    expect(note).toContain("Doppelt");
    const quote = await books.post("/quotes", {
      type: "b2c_single",
      lineItems: [{ description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 }],
      billTo: { name: "Ada" },
    });
    const id = quote.body.data.id;
    for (const [path, headers] of [
      [`/quotes/${id}/pdf`, {}],
      [`/quotes/${id}`, { Accept: "application/pdf" }],
    ] as const) {
      expect(await textOf(await bytesOf(await pdfOf(path, headers)))).toContain("Angebot");
    }
  });

  test.each(["1", "2", "3"])("a reminder of level %s asks for what is open", async (level) => {
    const { id } = await books.sent();
    await books.post(`/invoices/${id}/pay`, { amountInCents: 1900, paymentMethod: "cash" });
    const text = await textOf(
      await bytesOf(await pdfOf(`/invoices/${id}/reminder?level=${level}`)),
    );
    const titles = ["Zahlungserinnerung", "Zweite Mahnung", "Letzte Mahnung"];
    expect(text).toContain(titles[Number(level) - 1]);
    expect(text).toContain("100,00 €");
    // The letter's own deadline, and not the due date that has passed.
    expect(text).not.toContain("bis zum 9. Februar 2026");
    expect(text.match(/bis\s+zum\s/g)).toHaveLength(2);
  });

  test("nobody is reminded of a draft or of what is paid", async () => {
    const draft = await books.draft();
    const paid = await books.sent();
    await books.post(`/invoices/${paid.id}/pay`, { paymentMethod: "cash" });
    for (const { id } of [draft, paid]) {
      expect((await books.get(`/invoices/${id}/reminder`)).code).toBe("INVALID_STATE");
    }
  });
});

describe("who gets a file", () => {
  test.each(["/pdf", "/xml", "/reminder"])("%s: only who may read the invoice", async (file) => {
    const { id } = await books.sent();
    const path = `/invoices/${id}${file}`;
    expect((await books.request("GET", path, { token: null })).code).toBe("UNAUTHORIZED");
    const { request } = await newKey(books.backend, books.organizationId, ["crm:read"]);
    expect((await request("GET", path)).code).toBe("INSUFFICIENT_SCOPE");
    const stranger = await newTenant(books.backend);
    expect((await stranger.request("GET", path)).code).toBe("INVOICE_NOT_FOUND");
    expect((await books.get(`/invoices/nothing${file}`)).code).toBe("INVOICE_NOT_FOUND");
    expect((await books.get(`${path}?surprise=1`)).code).toBe("VALIDATION_ERROR");
  });

  test("a portal user gets the files of invoices that were sent to them, and no others", async () => {
    const [own, other] = [await books.contact(), await books.contact()];
    const sent = await books.sent({ billTo: { contactId: own } });
    const draft = await books.draft({ billTo: { contactId: own } });
    const foreign = await books.sent({ billTo: { contactId: other } });
    const user = { email: "ada1@x.test", name: "Ada", oauthProvider: "google", oauthId: "1" };
    const { body } = await books.post("/auth/sync-user", user);
    const token = (body as unknown as { sessionToken: string }).sessionToken;
    const asPortalUser = { Authorization: `Bearer ${token}` };
    const pdf = await pdfOf(`/invoices/${sent.id}/pdf`, asPortalUser);
    expect([pdf.status, pdf.headers.get("Content-Type")]).toEqual([200, "application/pdf"]);
    for (const { id } of [draft, foreign, { id: "nothing" }]) {
      const answer = await books.request("GET", `/invoices/${id}/pdf`, { token });
      expect([answer.status, answer.code]).toEqual([404, "INVOICE_NOT_FOUND"]);
      // Nor by the way that an Accept header leads to the file.
      const accepting = await pdfOf(`/invoices/${id}`, {
        ...asPortalUser,
        Accept: "application/pdf",
      });
      expect(accepting.status).toBe(404);
    }
  });

  test("the maker itself knows no document of another organization", async () => {
    const { id } = await books.sent();
    const { organizationId } = await newTenant(books.backend);
    const objectId = id as never;
    const made = await books.backend.action(internal.delivery.pdf.makePdf, {
      organizationId,
      objectId,
      format: "pdf",
    });
    expect(made).toBeNull();
  });
});

async function filesOf({ backend }: Books): Promise<Doc<"documentFiles">[]> {
  return await backend.run(async ({ db }) => await db.query("documentFiles").collect());
}
