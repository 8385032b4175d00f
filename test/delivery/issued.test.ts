import { createHash, randomUUID } from "node:crypto";
import { PDFDocument } from "@cantoo/pdf-lib";
import fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Doc as Row, Id } from "../../convex/_generated/dataModel";
import { newTenant, requestsOf } from "../helpers/backend";
import { type Change, newDevice } from "../sync/devices";
import { type Books, type Doc, invoice, line, openBooks, shown } from "../invoicing/books";
import { readXml } from "./en16931";
import { hasPoppler, textOf } from "./pdfText";
import { BUYER, SETTINGS } from "./settings";

/** What an issued document says, and that it says it for ever. */
let books: Books;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  books = await openBooks(SETTINGS);
});

const OTHER = {
  name: "Ganz Anders",
  legalName: "Ganz Anders AG",
  locale: "en-GB",
  timeZone: "Pacific/Auckland",
  sender: { name: "Anders", email: "anders@x.example" },
  address: { street: "Elsewhere 1", city: "Oslo", country: "NO" },
  bankDetails: { iban: "NL91ABNA0417164300" },
  taxIds: { vatId: "NO987654321" },
  invoiceFooter: "Another footer",
};

type Files = Record<string, Buffer>;

async function bytesOf(path: string, token = books.apiKey): Promise<Buffer> {
  const headers = { Authorization: `Bearer ${token}` };
  const response = await books.backend.fetch(`/api/v1${path}`, { headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect([path, response.status, response.status < 400 ? "" : bytes.toString()]).toEqual([
    path,
    200,
    "",
  ]);
  return bytes;
}

/** All files of a document, by the names that the trail has for them. */
async function filesOf(path: string): Promise<Files> {
  const pdf = await bytesOf(`${path}/pdf`);
  if (path.startsWith("/quotes")) return { pdf };
  return {
    pdf,
    facturx: await bytesOf(`${path}/pdf?format=facturx`),
    xml: await bytesOf(`${path}/xml`),
    cii: await bytesOf(`${path}/xml?syntax=cii`),
  };
}

function digestsOf(files: Files): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [
      name,
      createHash("sha256").update(bytes).digest("hex"),
    ]),
  );
}

type Entry = { action: string; documentSha256?: Record<string, string>; seq: number | null };

async function trailOf(id: string): Promise<Entry[]> {
  return (await books.get(`/audit?objectId=${id}`)).body.data as unknown as Entry[];
}

async function sentQuote(): Promise<Doc> {
  const { invoiceNumber: _number, dueDate: _due, ...body } = invoice({ billTo: BUYER });
  const quote = shown(await books.post("/quotes", body));
  return shown(await books.post(`/quotes/${quote.id}/send`, { channels: [] }));
}

/** One document of each type, by its path, with the action by which it was issued. */
async function issuedDocuments(): Promise<{ id: string; path: string; action: string }[]> {
  const draft = await books.draft({ billTo: BUYER, notes: "As agreed" });
  const { id } = shown(await books.post(`/invoices/${draft.id}/send`, { channels: [] }));
  const body = { lineItems: [line({ unitPriceInCents: 2000 })] };
  const answer = await books.post(`/invoices/${id}/credit-notes`, body);
  const { creditNote } = answer.body.data as unknown as { creditNote: Doc };
  const quote = await sentQuote();
  return [
    { id, path: `/invoices/${id}`, action: "invoice.sent" },
    { id: creditNote.id, path: `/credit-notes/${creditNote.id}`, action: "credit_note.created" },
    { id: quote.id, path: `/quotes/${quote.id}`, action: "quote.sent" },
  ];
}

describe("an issued document", () => {
  test("is made of what was frozen also where nobody had asked for its files before", async () => {
    const documents = await issuedDocuments();
    await books.patch("/organization", OTHER);
    await books.patch(documents[0]?.path ?? "", { notes: "Something else" });
    for (const { path } of documents) {
      const files = await filesOf(path);
      for (const name of ["xml", "cii"]) {
        if (!files[name]) continue;
        const xml = files[name].toString();
        for (const part of ["Studio Nord GmbH", "DE123456789", "Hamburg"]) {
          expect([path, name, xml.includes(part)]).toEqual([path, name, true]);
        }
        expect(xml).not.toMatch(/Anders|NO987654321|Oslo|Something else/);
      }
      if (!hasPoppler || !files["pdf"]) continue;
      const text = await textOf(files["pdf"]);
      expect(text).toContain("Studio Nord GmbH");
      if (!path.startsWith("/credit-notes")) expect(text).toContain("10. Januar 2026");
      expect(text).toContain("Vielen Dank für Ihren Auftrag!");
      expect(text).not.toMatch(/Anders|NL91|Elsewhere|Something else/);
    }
  });

  test("has the digests of its files in the trail's entry, and the same files whatever becomes of its seller, its payments and notes", async () => {
    const documents = await issuedDocuments();
    const before = new Map<string, Record<string, string>>();
    for (const { id, path, action } of documents) {
      await books.backend.action(internal.audit.sealing.sealAll, {});
      expect((await trailOf(id)).find((entry) => entry.action === action)).toMatchObject({
        seq: null,
      });
      expect((await books.get("/audit/verify")).body.data).toMatchObject({ valid: true });
      const files = await filesOf(path);
      const entry = (await trailOf(id)).find((each) => each.action === action);
      before.set(path, digestsOf(files));
      expect([action, entry?.documentSha256]).toEqual([action, digestsOf(files)]);
      await books.backend.action(internal.audit.sealing.sealAll, {});
      const sealed = (await trailOf(id)).filter((each) => each.documentSha256);
      expect(sealed).toMatchObject([{ action, seq: expect.any(Number) as number }]);
    }
    const verified = (await books.get("/audit/verify")).body.data;
    expect(verified).toMatchObject({ valid: true, pending: 0 });

    expect((await books.patch("/organization", OTHER)).status).toBe(200);
    const [first] = documents;
    await books.post(`${first?.path}/pay`, { amountInCents: 1000, paymentMethod: "cash" });
    await books.post(`${first?.path}/write-off`, { amountInCents: 500 });
    await books.patch(first?.path ?? "", { notes: "Something else" });
    for (const { path } of documents) {
      expect(digestsOf(await filesOf(path))).toEqual(before.get(path));
    }
  });

  test("has its files also where nobody asks for them, whatever way it went out", async () => {
    const { sessionToken: sessionId } = books;
    const ids: string[] = [];
    const live = await books.draft({ billTo: BUYER });
    const marked = { sessionId, invoiceId: live.id, sentDate: Date.now(), sentTo: "x" };
    await books.backend.mutation(api.invoicingOntology.markInvoiceSent, marked);
    ids.push(live.id);
    const sentLive = await books.draft({ billTo: BUYER });
    await books.backend.mutation(api.invoicingOntology.sendInvoice, {
      ...{ sessionId, invoiceId: sentLive.id, sending: { channels: [] } },
    });
    ids.push(sentLive.id);
    const cancelled = await books.draft({ billTo: BUYER });
    await books.post(`/invoices/${cancelled.id}/cancel`);
    ids.push(cancelled.id);
    for (let round = 0; round < 2; round++) await wakeAndRun();
    for (const id of ids) {
      const kept = await keptOf(id);
      expect(kept.map(({ format }) => format).sort()).toEqual(["cii", "facturx", "pdf", "ubl"]);
      const [entry] = (await trailOf(id)).filter(({ documentSha256 }) => documentSha256);
      expect(Object.values(entry?.documentSha256 ?? {}).sort()).toEqual(
        kept.map(({ sha256 }) => sha256).sort(),
      );
    }
    expect(
      await books.backend.run(async ({ db }) => await db.query("issuedDocuments").collect()),
    ).toMatchObject(ids.map(() => ({ attempts: 1 })));
  });

  test("is frozen also where a schedule or a device made it, whoever the seller is later", async () => {
    const day = new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10);
    const { type, lineItems } = invoice();
    const recurring = {
      ...{ title: "Hosting", type, lineItems, billTo: BUYER, delivery: "send", backfill: true },
      schedule: { frequency: "weekly", startDay: day },
    };
    expect((await books.post("/recurring-invoices", recurring)).status).toBe(201);
    await books.backend.mutation(internal.invoicingJobs.round, { cursor: null });
    const listed = async (): Promise<Doc[]> =>
      (await books.get("/invoices?status=sent")).body.data as unknown as Doc[];
    await vi.waitUntil(async () => (await listed()).length === 1);
    const [ofSchedule] = await listed();

    const device = await newDevice(books);
    const push = async (change: Change) => await device.send({ type: "invoice", ...change });
    const data = { subtype: type as string, customProperties: { lineItems, billTo: BUYER } };
    const pushed = await push({ clientId: randomUUID(), data });
    const cancelled = await push({ clientId: randomUUID(), data });
    await push({ id: cancelled.id, baseVersion: 1, data: { status: "cancelled" } });
    await books.post(`/invoices/${pushed.id}/send`, { channels: [] });

    const ids = [ofSchedule?.id ?? "", pushed.id, cancelled.id];
    expect((await books.patch("/organization", OTHER)).status).toBe(200);
    for (let round = 0; round < 2; round++) await wakeAndRun();
    for (const id of ids) {
      const kept = await keptOf(id);
      expect(kept.map(({ format }) => format).sort()).toEqual(["cii", "facturx", "pdf", "ubl"]);
      const files = await filesOf(`/invoices/${id}`);
      expect(files["xml"]?.toString()).toContain("Studio Nord GmbH");
      expect(files["xml"]?.toString()).not.toContain("Ganz Anders");
      const [entry] = (await trailOf(id)).filter(({ documentSha256 }) => documentSha256);
      expect(Object.values(entry?.documentSha256 ?? {}).sort()).toEqual(
        kept.map(({ sha256 }) => sha256).sort(),
      );
    }
  });

  test("has them still when all that is cleaned up is, 400 days and eleven years later", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    const before = digestsOf(await filesOf(`/invoices/${id}`));
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    for (const days of [400, 4100]) {
      vi.setSystemTime(start + days * 24 * 60 * 60 * 1000);
      await books.backend.mutation(internal.delivery.documentFiles.cleanUp, {});
      await books.backend.mutation(internal.delivery.retention.cleanUp, {});
      await books.backend.mutation(internal.attachments.sweep.sweep, {});
      expect(digestsOf(await filesOf(`/invoices/${id}`))).toEqual(before);
    }
    vi.useRealTimers();
  });

  test("draws the same bytes each time that they are made", async () => {
    const scripts = ["Work", "Größe <b> & ü", "株式会社", "محمد"];
    const all = scripts.map((description) => ({
      ...{ description, unitPriceInCents: 12_345, taxRatePercent: 19, quantity: 3 },
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            description: fc.constantFrom(...scripts),
            unitPriceInCents: fc.integer({ min: 1, max: 1_000_000 }),
            taxRatePercent: fc.constantFrom(19, 7, 0),
            quantity: fc.integer({ min: 1, max: 99 }),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (lineItems) => {
          const { id } = await books.sent({ billTo: BUYER, lineItems });
          const first = digestsOf(await filesOf(`/invoices/${id}`));
          await books.backend.run(async ({ db }) => {
            for (const { _id } of await db.query("documentFiles").collect()) {
              await db.delete("documentFiles", _id);
            }
          });
          await books.post(`/invoices/${id}/pay`, { paymentMethod: "cash" });
          expect(digestsOf(await filesOf(`/invoices/${id}`))).toEqual(first);
        },
      ),
      { numRuns: 2, examples: [[all]], endOnFailure: true },
    );
  });

  test("says one sum on its page and in its XML, after a credit and a write-off", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    await books.post(`/invoices/${id}/credit-notes`, {
      lineItems: [line({ unitPriceInCents: 1000 })],
    });
    await books.post(`/invoices/${id}/write-off`, { amountInCents: 1000 });
    const bytes = await bytesOf(`/invoices/${id}/pdf?format=facturx`);
    const [attached] = (await PDFDocument.load(bytes)).getAttachments();
    const { totals } = readXml(new TextDecoder().decode(attached?.data));
    expect([totals.gross, totals.paid, totals.payable]).toEqual([11900n, 0n, 11900n]);
    if (!hasPoppler) return;
    const text = await textOf(bytes);
    expect(text).toMatch(/Bitte zahlen Sie 119,00\s€/);
    expect(text).not.toContain("Offener Betrag");
  });

  test("that was sent says nothing of its cancellation; one that was a draft says it", async () => {
    const sent = await books.sent({ billTo: BUYER });
    await books.post(`/invoices/${sent.id}/cancel`);
    const draft = await books.draft({ billTo: BUYER });
    await books.post(`/invoices/${draft.id}/cancel`);
    expect((await bytesOf(`/invoices/${sent.id}/xml`)).toString()).not.toContain("STORNIERT");
    expect((await bytesOf(`/invoices/${draft.id}/xml`)).toString()).toContain("STORNIERT");
  });

  test("lacks for ever what it lacked for an e-invoice", async () => {
    await books.patch("/organization", { taxIds: null });
    const { id } = await books.sent({ billTo: BUYER });
    await bytesOf(`/invoices/${id}/pdf`);
    await books.patch("/organization", { taxIds: SETTINGS.taxIds });
    const refused = await books.get(`/invoices/${id}/xml`);
    expect(refused.paths).toEqual(["organization.taxIds.vatId"]);
    expect(refused.text).toContain("credit it");
    const [entry] = (await trailOf(id)).filter(({ documentSha256 }) => documentSha256);
    expect(Object.keys(entry?.documentSha256 ?? {})).toEqual(["pdf"]);
  });

  test("is another organization's with that one's seller", async () => {
    const other = await newTenant(books.backend);
    const request = requestsOf(books.backend, other.apiKey);
    await request("PATCH", "/organization", { body: { ...SETTINGS, legalName: "Nachbar GmbH" } });
    const made = await request("POST", "/invoices", { body: invoice({ billTo: BUYER }) });
    await request("POST", `/invoices/${made.body.data.id}/send`, { body: { channels: [] } });
    const own = await books.sent({ billTo: BUYER });
    await books.patch("/organization", OTHER);
    const foreign = await bytesOf(`/invoices/${made.body.data.id}/xml`, other.apiKey);
    expect(foreign.toString()).toContain("Nachbar GmbH");
    expect((await bytesOf(`/invoices/${own.id}/xml`)).toString()).toContain("Studio Nord GmbH");
  });
});

describe("a document from before documents were frozen", () => {
  /** As rows were: no copy, an entry that waits for nothing, no seller. */
  async function age(): Promise<void> {
    await books.backend.run(async ({ db }) => {
      for (const { _id } of await db.query("issuedDocuments").collect()) {
        await db.delete("issuedDocuments", _id);
      }
      for (const { _id } of await db.query("sellers").collect()) await db.delete("sellers", _id);
      for (const entry of await db.query("auditLogs").collect()) {
        if (entry.seq === 0) await db.patch("auditLogs", entry._id, { seq: undefined });
      }
    });
  }

  test("has the settings of before the first change, and its digests in an entry of their own", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    await books.post(`/invoices/${id}/pay`, { amountInCents: 1000, paymentMethod: "cash" });
    await age();
    await books.patch("/organization", OTHER);
    await books.sent({ billTo: BUYER });
    const files = await filesOf(`/invoices/${id}`);
    expect(files["xml"]?.toString()).toContain("Studio Nord GmbH");
    expect(readXml(files["xml"]?.toString() ?? "").totals.payable).toBe(11900n);
    expect(await trailOf(id)).toContainEqual(
      expect.objectContaining({ action: "invoice.frozen", documentSha256: digestsOf(files) }),
    );
    await books.patch("/organization", { ...OTHER, legalName: "Third" });
    expect(digestsOf(await filesOf(`/invoices/${id}`))).toEqual(digestsOf(files));
    expect((await trailOf(id)).filter(({ action }) => action === "invoice.frozen")).toHaveLength(1);
  });

  test("has the present settings where they have not changed, from its first file on", async () => {
    const { id } = await books.sent({ billTo: BUYER });
    await age();
    const files = await filesOf(`/invoices/${id}`);
    await books.patch("/organization", OTHER);
    expect(digestsOf(await filesOf(`/invoices/${id}`))).toEqual(digestsOf(files));
  });
});

test("a quote whose person is erased has no file that names them, and the trail verifies", async () => {
  const contactId = await books.contact({ firstName: "Grace", lastName: "Hopper" });
  const { invoiceNumber: _number, dueDate: _due, ...body } = invoice({ billTo: { contactId } });
  const quote = shown(await books.post("/quotes", body));
  await books.post(`/quotes/${quote.id}/send`, { channels: [] });
  await bytesOf(`/quotes/${quote.id}/pdf`);
  const [before] = await keptOf(quote.id);
  expect((await books.post(`/crm/contacts/${contactId}/erase`)).status).toBeLessThan(300);
  expect(await keptOf(quote.id)).toEqual([]);
  const gone = await books.backend.run(async ({ storage }) =>
    before ? await storage.get(before.storageId) : undefined,
  );
  expect(gone).toBeNull();
  const pdf = await bytesOf(`/quotes/${quote.id}/pdf`);
  if (hasPoppler) expect(await textOf(pdf)).not.toContain("Hopper");
});

async function keptOf(id: string): Promise<Row<"documentFiles">[]> {
  return await books.backend.run(async ({ db }) =>
    (await db.query("documentFiles").collect()).filter(
      ({ objectId, edition }) => objectId === (id as Id<"objects">) && edition === "issued",
    ),
  );
}

/** One round of the job, and what it hands out. */
async function wakeAndRun(): Promise<void> {
  const due = await books.backend.run(async ({ db }) =>
    (await db.query("issuedDocuments").collect()).filter(
      ({ filesDueAt = Infinity }) => filesDueAt <= Date.now(),
    ),
  );
  await books.backend.mutation(internal.delivery.issued.wake, {});
  await vi.waitUntil(
    async () =>
      await books.backend.run(async ({ db }) => {
        const rows = await Promise.all(due.map(({ _id }) => db.get("issuedDocuments", _id)));
        return rows.every((row) => row?.filesDueAt === undefined);
      }),
    { timeout: 60_000, interval: 50 },
  );
}
