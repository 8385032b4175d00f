/** 412 real invoices of 59 customers over real HTTP, compared with sums taken from the file itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sharedFile, type Site, startSite } from "../helpers/site";
import { created, shown } from "./books";

const customersFile = sharedFile("data/chinook/customers.json");
const invoicesFile = sharedFile("data/chinook/invoices.json");
const AT_ONCE = 8;

type Customer = { CustomerId: number; Email: string } & Record<
  "FirstName" | "LastName" | "Company" | "Phone" | "Address" | "City" | "Country",
  string
>;
type Invoice = {
  InvoiceId: number;
  CustomerId: number;
  InvoiceDate: string;
  Total: number;
  Lines: { Description: string; UnitPrice: number; Quantity: number }[];
};

let site: Site;
const contacts = new Map<number, string>();
const cents = (amount: number): number => Math.round(amount * 100);
const customers = load<Customer>(customersFile);
const invoices = load<Invoice>(invoicesFile);

describe.skipIf(invoices.length === 0)("the 412 invoices of ../shared/data/chinook", () => {
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(async () => {
    await site.server.remove();
  });

  test("customers and invoices are imported, sent and paid", async () => {
    await inTurn(customers, async (customer) => {
      const { FirstName: firstName, LastName: lastName, Email: email, Company: company } = customer;
      const address = { street: customer.Address, city: customer.City, country: customer.Country };
      const body = { firstName, lastName, email, ...(company ? { company } : {}), address };
      const answer = await site.request("POST", "/crm/contacts", { body });
      expect(answer.status).toBe(201);
      contacts.set(customer.CustomerId, answer.body.contactId);
    });
    await inTurn(invoices, async (invoice) => {
      const issueDate = Date.parse(`${invoice.InvoiceDate}Z`);
      const total = cents(invoice.Total);
      const body = {
        type: "b2c_single",
        issueDate,
        dueDate: issueDate,
        currency: "USD",
        subtotalInCents: total,
        taxAmountInCents: 0,
        totalAmountInCents: total,
        lineItems: invoice.Lines.map(({ Description, UnitPrice, Quantity }) => ({
          description: Description,
          quantity: Quantity,
          unitPriceInCents: cents(UnitPrice),
          taxRatePercent: 0,
        })),
        billTo: { contactId: contacts.get(invoice.CustomerId) },
        customFields: { chinookId: invoice.InvoiceId },
      };
      const { id } = created(await site.request("POST", "/invoices", { body }));
      shown(await site.request("POST", `/invoices/${id}/send`, { body: { channels: [] } }));
      const payment = {
        paidDate: issueDate,
        paymentMethod: "card",
        transactionRef: `chinook-${invoice.InvoiceId}`,
      };
      const paid = await site.request("POST", `/invoices/${id}/pay`, { body: payment });
      expect(shown(paid)).toMatchObject({ status: "paid" });
    });
  }, 240_000);

  test("all invoices come to 232,860 cents, and so does all that was received", async () => {
    const paid = await site.request("GET", "/invoices?status=paid&limit=1");
    expect(paid.body.meta.total).toBe(412);
    const rows = await rowsOf("/reports/revenue?from=2021-01&to=2025-12");
    expect(sum(rows, "grossInCents")).toBe(232_860);
    expect(sum(rows, "receivedInCents")).toBe(232_860);
    expect(sum(rows, "invoices")).toBe(412);
    expect(await rowsOf("/reports/open-items?asOf=2026-01-01")).toEqual([]);
  });

  test("each month's revenue is that of the file", async () => {
    const expected = totalsBy(({ InvoiceDate }) => InvoiceDate.slice(0, 7));
    const rows = await rowsOf("/reports/revenue?from=2021-01&to=2025-12");
    expect(new Map(rows.map((row) => [row["month"], row["grossInCents"]]))).toEqual(expected);
  });

  test("each customer's months are those of the file", async () => {
    for (const [customerId, contactId] of contacts) {
      const own = invoices.filter((invoice) => invoice.CustomerId === customerId);
      const expected = totalsBy(({ InvoiceDate }) => InvoiceDate.slice(0, 7), own);
      const rows = await rowsOf(`/reports/revenue?from=2021-01&to=2025-12&contactId=${contactId}`);
      expect(new Map(rows.map((row) => [row["month"], row["grossInCents"]]))).toEqual(expected);
    }
  });

  test("revenue per client of a year is that of the file, page by page", async () => {
    const inYear = invoices.filter(({ InvoiceDate }) => InvoiceDate.startsWith("2023"));
    const expected = totalsBy(({ CustomerId }) => contacts.get(CustomerId) ?? "", inYear);
    const found = new Map<unknown, unknown>();
    let cursor = "";
    do {
      const path = `/reports/revenue-by?by=clients&from=2023-01&to=2023-12&limit=25${cursor}`;
      const { body } = await site.request("GET", path);
      for (const row of body.data as unknown as Row[]) found.set(row["id"], row["grossInCents"]);
      cursor = body.meta.nextCursor === null ? "" : `&cursor=${body.meta.nextCursor}`;
    } while (cursor !== "");
    expect(found).toEqual(expected);
  });

  test("a customer's statement begins with nothing, and ends with nothing", async () => {
    const [customerId, contactId] = [...contacts][0] ?? [];
    const own = invoices.filter((invoice) => invoice.CustomerId === customerId);
    const path = `/crm/contacts/${contactId ?? ""}/statement?from=2021-01-01&to=2026-01-01`;
    const [statement] = await rowsOf(path);
    expect(statement).toMatchObject({
      openingBalanceInCents: 0,
      invoicedInCents: own.map(({ Total }) => cents(Total)).reduce((a, b) => a + b, 0),
      closingBalanceInCents: 0,
    });
  });

  test("the numbers of each month are consecutive", async () => {
    const names: string[] = [];
    let cursor = "";
    do {
      const { body } = await site.request("GET", `/invoices?limit=200${cursor}`);
      names.push(...body.data.map(({ name }) => name));
      cursor = body.meta.nextCursor === null ? "" : `&cursor=${body.meta.nextCursor}`;
    } while (cursor !== "");
    const expected = [...totalsBy(({ InvoiceDate }) => InvoiceDate.slice(0, 7))].flatMap(
      ([month]) =>
        invoices
          .filter(({ InvoiceDate }) => InvoiceDate.startsWith(month))
          .map((_, index) => `INV-${month}-${String(index + 1).padStart(3, "0")}`),
    );
    expect(names.sort()).toEqual(expected.sort());
  });

  test("the books add up", async () => {
    let checked = 0;
    let cursor = "";
    do {
      const { body } = await site.request("GET", `/integrity${cursor}`);
      const data = body.data as unknown as { checked: number; differences: unknown[] };
      expect(data.differences).toEqual([]);
      checked += data.checked;
      cursor = body.meta.nextCursor === null ? "" : `?cursor=${body.meta.nextCursor}`;
    } while (cursor !== "");
    // Demo data aside: customers, invoices and payments.
    expect(checked).toBeGreaterThanOrEqual(59 + 412 + 412);
  });
});

type Row = Record<string, unknown>;

async function rowsOf(path: string): Promise<Row[]> {
  const answer = await site.request("GET", path);
  expect(answer.text && answer.status).toBe(200);
  return answer.body.data as unknown as Row[];
}

function sum(rows: Row[], field: string): number {
  return rows.map((row) => Number(row[field])).reduce((a, b) => a + b, 0);
}

function totalsBy(
  nameOf: (invoice: Invoice) => string,
  of: readonly Invoice[] = invoices,
): Map<string, number> {
  const totals = new Map<string, number>();
  for (const invoice of of) {
    const name = nameOf(invoice);
    totals.set(name, (totals.get(name) ?? 0) + cents(invoice.Total));
  }
  return totals;
}

function load<Entry>(file: string | null): Entry[] {
  return file === null ? [] : (JSON.parse(file) as Entry[]);
}

/** A few at a time, as an import would. */
async function inTurn<Entry>(
  entries: readonly Entry[],
  work: (entry: Entry) => Promise<void>,
): Promise<void> {
  const queue = [...entries];
  const worker = async (): Promise<void> => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) await work(entry);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
