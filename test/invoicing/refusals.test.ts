import { expect, test } from "vitest";
import { invoice, line, openBooks, rowsOf } from "./books";

const DAY = 86_400_000;

test.each<[string, Record<string, unknown>, string]>([
  ["a wrong subtotal", { subtotalInCents: 9999 }, "body.subtotalInCents"],
  ["a wrong tax", { taxAmountInCents: 1901 }, "body.taxAmountInCents"],
  ["a wrong total", { totalAmountInCents: 1 }, "body.totalAmountInCents"],
  [
    "a wrong total of a line",
    { lineItems: [line({ totalPriceInCents: 1 })] },
    "body.lineItems.0.totalPriceInCents",
  ],
  ["a due date before the issue date", { dueDate: Date.UTC(2026, 0, 9) }, "body.dueDate"],
  ["an unknown currency", { currency: "EUX" }, "body.currency"],
  ["a currency without a minor unit", { currency: "XAU" }, "body.currency"],
  ["a tax rate below 0", { lineItems: [line({ taxRatePercent: -1 })] }, rate()],
  ["a tax rate above 100", { lineItems: [line({ taxRatePercent: 100.01 })] }, rate()],
  ["a tax rate of 5 decimals", { lineItems: [line({ taxRatePercent: 0.00001 })] }, rate()],
  ["no lines", { lineItems: [] }, "body.lineItems"],
  ["1,001 lines", { lineItems: Array.from({ length: 1001 }, () => line()) }, "body.lineItems"],
  ["a quantity beyond all", { lineItems: [line({ quantity: 1e10 })] }, "body.lineItems.0.quantity"],
  [
    "a quantity that overflows",
    { lineItems: [line({ quantity: 1e9, unitPriceInCents: 1_000_000 })] },
    "body.lineItems.0",
  ],
  [
    "lines that overflow together",
    { lineItems: Array.from({ length: 2 }, () => line({ unitPriceInCents: 9_999_999_999_999 })) },
    "body.lineItems",
  ],
  [
    "a quantity of seven decimals",
    { lineItems: [line({ quantity: 0.1234567 })] },
    "body.lineItems.0.quantity",
  ],
  [
    "half a cent",
    { lineItems: [line({ unitPriceInCents: 0.5 })] },
    "body.lineItems.0.unitPriceInCents",
  ],
  ["a negative total", { lineItems: [line({ quantity: -1 })] }, "body.lineItems"],
  [
    "two discounts on a line",
    { lineItems: [line({ discountPercent: 1, discountInCents: 1 })] },
    "body.lineItems.0.discountInCents",
  ],
  [
    "a discount above the line",
    { lineItems: [line({ discountInCents: 10_001 })] },
    "body.lineItems.0.discountInCents",
  ],
  ["a discount above the subtotal", { discountInCents: 10_001 }, "body.discountInCents"],
  ["a discount above 100 %", { discountPercent: 101 }, "body.discountPercent"],
  [
    "an exemption without a reason",
    { lineItems: [line({ taxRatePercent: 0, taxCategory: "exempt" })] },
    "body.lineItems.0.taxExemptionReason",
  ],
  [
    "a reverse charge with tax",
    { lineItems: [line({ taxCategory: "reverse_charge" })] },
    "body.lineItems.0.taxRatePercent",
  ],
  ["an unknown type", { type: "b2g" }, "body.type"],
  ["unknown terms", { paymentTerms: "net31" }, "body.paymentTerms"],
  ["an unknown field", { total: 1 }, "body.total"],
  ["no party", { billTo: {} }, "body.billTo.name"],
  ["a bad e-mail", { billTo: { name: "A", email: "a" } }, "body.billTo.email"],
  ["a time that is none", { issueDate: 1e18 }, "body.issueDate"],
])("%s is refused with its field, and nothing is written", async (_what, fields, path) => {
  const books = await openBooks();
  const before = await rowsOf(books);
  const answer = await books.post("/invoices", invoice(fields));
  expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
  expect(answer.paths).toContain(path);
  expect(await rowsOf(books)).toEqual(before);
});

test("a difference in the totals names the expected figures", async () => {
  const { post } = await openBooks();
  const answer = await post("/invoices", invoice({ subtotalInCents: 1, totalAmountInCents: 2 }));
  expect(answer.body.error.details).toEqual([
    { path: "body.subtotalInCents", message: "must be 10000", expected: 10_000 },
    { path: "body.totalAmountInCents", message: "must be 11900", expected: 11_900 },
  ]);
});

test("a number that is taken is refused, and the serial stays", async () => {
  const books = await openBooks();
  await books.draft({ invoiceNumber: "R-1" });
  const before = await rowsOf(books);
  const answer = await books.post("/invoices", invoice({ invoiceNumber: "r-1" }));
  expect([answer.status, answer.code]).toEqual([409, "CONFLICT"]);
  expect(await rowsOf(books)).toEqual(before);
  const { id } = await books.draft();
  const renamed = await books.patch(`/invoices/${id}`, { invoiceNumber: "R-2" });
  expect(renamed.paths).toEqual(["body.invoiceNumber"]);
});

test("parties, people and projects that are not there are not found", async () => {
  const books = await openBooks();
  const before = await rowsOf(books);
  for (const [fields, code] of [
    [{ billTo: { contactId: "nope" } }, "CONTACT_NOT_FOUND"],
    [{ billTo: { crmOrganizationId: "nope" } }, "CRM_ORGANIZATION_NOT_FOUND"],
    [{ projectId: "nope" }, "PROJECT_NOT_FOUND"],
    [{ lineItems: [line({ contactId: "nope" })] }, "CONTACT_NOT_FOUND"],
  ] as const) {
    expect((await books.post("/invoices", invoice(fields))).code).toBe(code);
  }
  expect(await rowsOf(books)).toEqual(before);
});

test("1,000 lines are taken, as long as they are not books themselves", async () => {
  const { draft, post } = await openBooks();
  const made = await draft({ lineItems: Array.from({ length: 1000 }, () => line()) });
  expect(made.customProperties).toMatchObject({ subtotalInCents: 10_000_000 });
  const description = "x".repeat(700);
  const lineItems = Array.from({ length: 1000 }, () => line({ description }));
  expect((await post("/invoices", invoice({ lineItems }))).paths).toEqual(["body.lineItems"]);
});

test.each<[string, unknown, string]>([
  ["pay", { paymentMethod: "x", amountInCents: 0 }, "body.amountInCents"],
  ["pay", { paymentMethod: "x", amountInCents: 1.5 }, "body.amountInCents"],
  ["pay", { paymentMethod: "x", amount: 1 }, "body.amount"],
  ["pay", {}, "body.paymentMethod"],
  ["pay", { paymentMethod: "x", transactionRef: " " }, "body.transactionRef"],
  ["send", { channels: ["pigeon"] }, "body.channels.0"],
  ["write-off", { amountInCents: 0 }, "body.amountInCents"],
  ["credit-notes", { lineItems: [line({ quantity: -1 })] }, "body.lineItems"],
  ["credit-notes", { totalAmountInCents: 1 }, "body.totalAmountInCents"],
  ["credit-notes", { discountPercent: 50 }, "body.discountPercent"],
  ["credit-notes", { discountInCents: 1 }, "body.discountInCents"],
])("%s with %j is refused, and nothing is written", async (action, body, path) => {
  const books = await openBooks();
  const { id } = await (action === "send" ? books.draft() : books.sent());
  const before = await rowsOf(books);
  const answer = await books.post(`/invoices/${id}/${action}`, body);
  expect([answer.status, answer.paths]).toEqual([400, [path]]);
  expect(await rowsOf(books)).toEqual(before);
});

test("changes that the status refuses write nothing", async () => {
  const books = await openBooks();
  const { id } = await books.sent();
  await books.post(`/invoices/${id}/cancel`);
  const before = await rowsOf(books);
  for (const [action, body] of [
    ["pay", { paymentMethod: "x" }],
    ["send", {}],
    ["cancel", {}],
    ["credit-notes", {}],
  ] as const) {
    expect((await books.post(`/invoices/${id}/${action}`, body)).code).toBe("INVALID_STATE");
  }
  const changed = await books.patch(`/invoices/${id}`, { dueDate: Date.now() + DAY });
  expect(changed.code).toBe("INVALID_STATE");
  expect(await rowsOf(books)).toEqual(before);
});

test("If-Match of an older version is refused", async () => {
  const { draft, request } = await openBooks();
  const { id } = await draft();
  const answer = await request("POST", `/invoices/${id}/send`, { headers: { "If-Match": '"7"' } });
  expect(answer.code).toBe("VERSION_MISMATCH");
});

test.each([
  "status=open",
  "startDate=yesterday",
  "currency=eur",
  "sort=validUntil",
  "dueTo=yesterday",
  "status=sent,open",
  "foo=1",
])("a list of invoices by %s is refused", async (query) => {
  const { get } = await openBooks();
  expect((await get(`/invoices?${query}`)).code).toBe("VALIDATION_ERROR");
});

function rate(): string {
  return "body.lineItems.0.taxRatePercent";
}
