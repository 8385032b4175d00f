import { expect, test } from "vitest";
import { documentsRead } from "./figures";
import { type Books, created, line, openBooks, shown } from "./books";
import { internal } from "../../convex/_generated/api";

const at = (day: string): number => Date.parse(`${day}T10:00Z`);
const dated = (day: string, due = "2026-12-31"): object => ({
  issueDate: at(day),
  dueDate: at(due),
});

async function report(books: Books, path: string): Promise<Record<string, unknown>[]> {
  const answer = await books.get(path);
  expect(answer.text && answer.status).toBe(200);
  return answer.body.data as unknown as Record<string, unknown>[];
}

/** Two clients, two currencies, two months, and something of everything. */
async function year(): Promise<Books & { ada: string; bob: string; acme: string }> {
  const books = await openBooks();
  const { sent, draft, post, contact } = books;
  const [ada, bob] = [await contact(), await contact({ firstName: "Bob" })];
  const acme = created(await post("/crm/organizations", { name: "Acme" })).id;
  const january = await sent({ ...dated("2026-01-10"), billTo: { contactId: ada } });
  await sent({
    ...dated("2026-01-31"),
    billTo: { contactId: bob, crmOrganizationId: acme },
    lineItems: [line({ taxRatePercent: 7 }), line({ taxRatePercent: 0 })],
  });
  await sent({ ...dated("2026-02-01"), billTo: { contactId: ada }, currency: "USD" });
  await draft({ ...dated("2026-02-01"), billTo: { contactId: ada } });
  const wrong = await sent({ ...dated("2026-02-02"), billTo: { contactId: ada } });
  shown(await post(`/invoices/${wrong.id}/cancel`));
  const pay = { paymentMethod: "bank", amountInCents: 5000, paidDate: at("2026-02-03") };
  shown(await post(`/invoices/${january.id}/pay`, pay));
  created(
    await post(`/invoices/${january.id}/credit-notes`, {
      issueDate: at("2026-02-04"),
      lineItems: [line({ unitPriceInCents: 1000 })],
    }),
  );
  const gift = { amountInCents: 10, date: at("2026-02-05") };
  shown(await post(`/invoices/${january.id}/write-off`, gift));
  return { ...books, ada, bob, acme };
}

test("revenue per month and currency: invoices less credit notes, without drafts and cancelled ones", async () => {
  const books = await year();
  expect(await report(books, "/reports/revenue?from=2026-01&to=2026-02")).toEqual([
    {
      month: "2026-01",
      ...nothing("EUR"),
      invoices: 2,
      invoicedNetInCents: 30_000,
      invoicedTaxInCents: 2600,
      netInCents: 30_000,
      taxInCents: 2600,
      grossInCents: 32_600,
    },
    {
      month: "2026-02",
      ...nothing("EUR"),
      creditNotes: 1,
      creditedNetInCents: 1000,
      creditedTaxInCents: 190,
      netInCents: -1000,
      taxInCents: -190,
      grossInCents: -1190,
      receivedInCents: 5000,
      writtenOffInCents: 10,
    },
    {
      month: "2026-02",
      ...nothing("USD"),
      invoices: 1,
      invoicedNetInCents: 10_000,
      invoicedTaxInCents: 1900,
      netInCents: 10_000,
      taxInCents: 1900,
      grossInCents: 11_900,
    },
  ]);
  const [bobs] = await report(
    books,
    `/reports/revenue?from=2026-01&to=2026-12&contactId=${books.bob}`,
  );
  expect(bobs).toMatchObject({ month: "2026-01", invoices: 1, netInCents: 20_000 });
  const acmes = `/reports/revenue?from=2026-01&to=2026-12&crmOrganizationId=${books.acme}`;
  expect(await report(books, acmes)).toMatchObject([{ netInCents: 20_000 }]);
});

test("tax per month, currency and rate", async () => {
  const books = await year();
  expect(await report(books, "/reports/tax?from=2026-01&to=2026-02")).toEqual([
    tax("2026-01", "EUR", "standard", 19, 10_000, 1900),
    tax("2026-01", "EUR", "standard", 7, 10_000, 700),
    tax("2026-01", "EUR", "zero", 0, 10_000, 0),
    tax("2026-02", "EUR", "standard", 19, -1000, -190),
    tax("2026-02", "USD", "standard", 19, 10_000, 1900),
  ]);
});

test("revenue per client, in pages, before and after a fold", async () => {
  const books = await year();
  const path = "/reports/revenue-by?by=clients&from=2026-01&to=2026-02";
  const whole = await report(books, path);
  expect(whole).toHaveLength(3);
  expect(new Set(whole.map(({ id, name }) => `${String(id)} ${String(name)}`))).toEqual(
    new Set([`${books.ada} Ada`, `${books.bob} Bob`]),
  );
  await books.backend.mutation(internal.maintenance.foldCounts, {});
  expect(await report(books, path)).toEqual(whole);
  const first = await books.get(`${path}&limit=1`);
  const cursor = first.body.meta.nextCursor ?? "";
  const second = await books.get(`${path}&limit=1&cursor=${cursor}`);
  expect(second.body.meta.nextCursor).toBeNull();
  expect([
    ...(first.body.data as unknown as object[]),
    ...(second.body.data as unknown as object[]),
  ]).toEqual(whole);
  const acme = await report(books, "/reports/revenue-by?by=organizations&from=2026-01&to=2026-01");
  expect(acme).toMatchObject([{ id: books.acme, name: "Acme", netInCents: 20_000 }]);
  expect(await report(books, "/reports/revenue-by?by=projects&from=2026-01&to=2026-01")).toEqual(
    [],
  );
});

test("open items by age, each currency by itself", async () => {
  const books = await openBooks();
  for (const due of [
    "2026-07-01",
    "2026-06-30",
    "2026-06-01",
    "2026-05-31",
    "2026-04-02",
    "2026-04-01",
    "2020-01-01",
  ]) {
    await books.sent({ issueDate: at("2019-12-01"), dueDate: at(due) });
  }
  const usd = await books.sent({
    issueDate: at("2019-12-01"),
    dueDate: at("2026-06-30"),
    currency: "USD",
  });
  await books.post(`/invoices/${usd.id}/pay`, { paymentMethod: "cash", amountInCents: 900 });
  expect(await report(books, "/reports/open-items?asOf=2026-07-01")).toEqual([
    {
      currency: "EUR",
      invoices: 7,
      totalInCents: 83_300,
      notDue: 11_900,
      days30: 23_800,
      days60: 11_900,
      days90: 11_900,
      older: 23_800,
    },
    {
      currency: "USD",
      invoices: 1,
      totalInCents: 11_000,
      notDue: 0,
      days30: 11_000,
      days60: 0,
      days90: 0,
      older: 0,
    },
  ]);
});

test("a statement is a running account per currency that begins with the balance before", async () => {
  const books = await year();
  const path = `/crm/contacts/${books.ada}/statement?from=2026-02-01T00:00:00Z&to=2026-02-04T23:59:59Z`;
  const [euro, dollar] = await report(books, path);
  expect(euro).toMatchObject({
    currency: "EUR",
    openingBalanceInCents: 11_900,
    invoicedInCents: 0,
    creditedInCents: 1190,
    paidInCents: 5000,
    writtenOffInCents: 0,
    closingBalanceInCents: 5710,
    entries: [
      { kind: "payment", amountInCents: -5000, balanceInCents: 6900 },
      { kind: "credit_note", number: "CN-2026-02-001", balanceInCents: 5710 },
    ],
  });
  expect(dollar).toMatchObject({ currency: "USD", closingBalanceInCents: 11_900 });
  const inside = `/crm/contacts/${books.ada}/statement?from=2026-02-04T00:00:00Z&to=2026-03-01`;
  expect((await report(books, inside))[0]).toMatchObject({
    openingBalanceInCents: 6900,
    closingBalanceInCents: 5700,
  });
  const company = `/crm/organizations/${books.acme}/statement?from=2026-01-01&to=2026-12-31`;
  expect(await report(books, company)).toMatchObject([{ closingBalanceInCents: 20_700 }]);
  const balance = await report(books, `/crm/contacts/${books.ada}/balance`);
  expect(balance).toEqual([
    { currency: "EUR", openInCents: 5700 },
    { currency: "USD", openInCents: 11_900 },
  ]);
});

test("a statement holds when the organization has changed its time zone", async () => {
  const books = await openBooks({ timeZone: "Pacific/Auckland" });
  const contactId = await books.contact();
  await books.sent({ issueDate: Date.parse("2026-01-31T12:00Z"), billTo: { contactId } });
  await books.request("PATCH", "/organization", { body: { timeZone: "America/Los_Angeles" } });
  for (const [from, opening, closing] of [
    ["2026-01-31", 0, 11_900],
    ["2026-02-01", 11_900, 11_900],
  ] as const) {
    const path = `/crm/contacts/${contactId}/statement?from=${from}&to=2026-03-01`;
    expect(await report(books, path)).toMatchObject([
      { openingBalanceInCents: opening, closingBalanceInCents: closing },
    ]);
  }
});

test("a balance costs the same however many invoices are paid", async () => {
  const books = await openBooks();
  const contactId = await books.contact();
  const reads: number[] = [];
  for (const paid of [2, 20]) {
    for (let i = 0; i < paid; i++) {
      const { id } = await books.sent({ billTo: { contactId } });
      await books.post(`/invoices/${id}/pay`, { paymentMethod: "cash" });
    }
    await books.backend.mutation(internal.maintenance.foldCounts, {});
    expect(await report(books, `/crm/contacts/${contactId}/balance`)).toEqual([]);
    reads.push(documentsRead());
  }
  expect(reads[1]).toBe(reads[0]);
});

test.each([
  ["/reports/revenue-by?by=clients&from=9999-12&to=9999-12", ["query.from", "query.to"]],
  ["/reports/revenue?from=2999-12&to=3000-01", ["query.to"]],
  ["/reports/tax?from=1969-12&to=1970-01", ["query.from"]],
  ["statement?from=0&to=9007199254740991", ["query.to"]],
  ["statement?from=%2B020000-01-01&to=%2B020000-01-02", ["query.from", "query.to"]],
])("%s is out of range", async (path, paths) => {
  const { get, contact } = await openBooks({ timeZone: "Pacific/Auckland" });
  const asked = path.startsWith("/") ? path : `/crm/contacts/${await contact()}/${path}`;
  expect(await get(asked)).toMatchObject({ status: 400, paths });
});

test.each([
  "/reports/revenue?from=2026-02&to=2026-01",
  "/reports/revenue?from=2000-01&to=2026-01",
  "/reports/revenue?from=2026-13&to=2026-14",
  "/reports/revenue",
  "/reports/tax?from=2026-1&to=2026-2",
  "/reports/open-items",
  "/reports/open-items?asOf=2026-02-30",
  "/reports/revenue-by?by=days&from=2026-01&to=2026-01",
  "/reports/revenue-by?by=clients&from=2020-01&to=2026-01",
  "/reports/revenue-by?by=clients&from=2026-01&to=2026-01&cursor=x",
])("%s is refused", async (path) => {
  const { get } = await openBooks();
  expect((await get(path)).code).toBe("VALIDATION_ERROR");
});

function nothing(currency: string): Record<string, unknown> {
  return {
    currency,
    invoices: 0,
    creditNotes: 0,
    invoicedNetInCents: 0,
    invoicedTaxInCents: 0,
    creditedNetInCents: 0,
    creditedTaxInCents: 0,
    netInCents: 0,
    taxInCents: 0,
    grossInCents: 0,
    receivedInCents: 0,
    writtenOffInCents: 0,
  };
}

function tax(
  month: string,
  currency: string,
  taxCategory: string,
  taxRatePercent: number,
  taxableInCents: number,
  taxInCents: number,
): Record<string, unknown> {
  return { month, currency, taxCategory, taxRatePercent, taxableInCents, taxInCents };
}
