import { expect, test } from "vitest";
import { newKey, newTenant } from "../helpers/backend";
import { documentsRead } from "./figures";
import { created, invoice, line, openBooks, shown } from "./books";

test("the documented invoice is answered as the documented record", async () => {
  const { post, contact } = await openBooks();
  const contactId = await contact();
  const answer = await post("/invoices", {
    type: "b2c_single",
    issueDate: Date.UTC(2025, 0, 1),
    dueDate: Date.UTC(2025, 0, 31),
    currency: "USD",
    subtotalInCents: 100_000,
    taxAmountInCents: 7000,
    totalAmountInCents: 107_000,
    lineItems: [
      {
        transactionId: "k10abc890",
        description: "Website development services",
        quantity: 10,
        unitPriceInCents: 10_000,
        totalPriceInCents: 100_000,
        taxRatePercent: 7,
        taxAmountInCents: 7000,
      },
    ],
    billTo: {
      contactId,
      name: "John Doe",
      email: "john.doe@example.com",
      address: { street: "123 Main St", city: "San Francisco", state: "CA", country: "US" },
    },
    paymentTerms: "net30",
    notes: "Payment due within 30 days",
    customFields: { größe: "L" },
  });
  expect(answer.status).toBe(201);
  expect(answer.headers.get("etag")).toBe('"1"');
  const { id, ...record } = shown(answer);
  expect(record).toMatchObject({
    _id: id,
    type: "invoice",
    subtype: "b2c_single",
    name: "INV-2025-01-001",
    status: "draft",
    customProperties: {
      invoiceNumber: "INV-2025-01-001",
      type: "b2c_single",
      currency: "USD",
      subtotalInCents: 100_000,
      taxAmountInCents: 7000,
      totalAmountInCents: 107_000,
      amountDueInCents: 107_000,
      lineItems: [{ transactionId: "k10abc890", quantity: 10, taxAmountInCents: 7000 }],
      billTo: { contactId, name: "John Doe", address: { city: "San Francisco" } },
      paymentTerms: "net30",
      customFields: { größe: "L" },
    },
  });
});

test.each(["b2b_consolidated", "b2b_single", "b2c_single"])("a %s is created", async (type) => {
  const { draft } = await openBooks();
  expect(await draft({ type })).toMatchObject({ subtype: type, customProperties: { type } });
});

test("a consolidated invoice shows each person's part", async () => {
  const { draft, contact } = await openBooks();
  const [one, two] = [await contact(), await contact()];
  const made = await draft({
    type: "b2b_consolidated",
    lineItems: [
      line({ contactId: one }),
      line({ contactId: two }),
      line({ contactId: one, unitPriceInCents: 50 }),
      line({ description: "Postage" }),
    ],
  });
  expect(made.customProperties.perPerson).toEqual([
    { contactId: one, subtotalInCents: 10_050, taxAmountInCents: 1910 },
    { contactId: two, subtotalInCents: 10_000, taxAmountInCents: 1900 },
  ]);
});

test("what is not given of the party comes from the CRM, and stays when that changes", async () => {
  const { draft, contact, patch, get, post } = await openBooks();
  const contactId = await contact({ address: { city: "London" }, taxId: "GB1" });
  const organization = created(
    await post("/crm/organizations", { name: "Acme", billingEmail: "bills@acme.test" }),
  );
  const made = await draft({ billTo: { contactId } });
  expect(made.customProperties.billTo).toMatchObject({
    name: "Ada",
    email: "ada1@x.test",
    address: { city: "London" },
    taxId: "GB1",
  });
  const company = await draft({ billTo: { contactId, crmOrganizationId: organization.id } });
  expect(company.customProperties.billTo).toMatchObject({ name: "Acme", email: "bills@acme.test" });
  await patch(`/crm/contacts/${contactId}`, { firstName: "Augusta" });
  const again = shown(await get(`/invoices/${made.id}`));
  expect(again.customProperties.billTo).toMatchObject({ name: "Ada" });
});

test("dates follow the payment terms in the organization's time zone, across a change of clocks", async () => {
  const { draft } = await openBooks({ timeZone: "Europe/Berlin" });
  const issueDate = Date.parse("2026-03-15T00:00+01:00");
  const made = await draft({ issueDate, dueDate: undefined, paymentTerms: "net30" });
  expect(made.customProperties.dueDate).toBe(Date.parse("2026-04-14T00:00+02:00"));
  const byDefault = await draft({ issueDate, dueDate: undefined });
  expect(byDefault.customProperties).toMatchObject({ paymentTerms: "net30" });
});

test("the number's month is that of the issue date in the organization's time zone", async () => {
  const { draft } = await openBooks({ timeZone: "Pacific/Auckland" });
  const made = await draft({ issueDate: Date.UTC(2026, 0, 31, 12), dueDate: Date.UTC(2026, 2, 1) });
  expect(made.name).toBe("INV-2026-02-001");
});

test("numbers run on per month, pass over given ones, and keep more than three digits", async () => {
  const { draft, backend } = await openBooks();
  const january = { issueDate: Date.UTC(2026, 0, 5) };
  expect((await draft(january)).name).toBe("INV-2026-01-001");
  expect((await draft({ ...january, invoiceNumber: "INV-2026-01-003" })).name).toMatch(/003$/);
  expect((await draft({ ...january, invoiceNumber: "INV-2026-01-002" })).name).toMatch(/002$/);
  expect((await draft(january)).name).toBe("INV-2026-01-004");
  expect((await draft({ issueDate: Date.UTC(2026, 1, 5) })).name).toBe("INV-2026-02-001");
  expect((await draft({ ...january, invoiceNumber: "R/17" })).name).toBe("R/17");
  const other = await newTenant(backend);
  const first = await other.request("POST", "/invoices", { body: invoice(january) });
  expect(shown(first).name).toBe("INV-2026-01-001");
});

test("a number is final: a draft whose month changes keeps it, and so does a cancelled one", async () => {
  const { draft, patch, post } = await openBooks();
  const made = await draft();
  const moved = shown(
    await patch(`/invoices/${made.id}`, { issueDate: Date.UTC(2025, 11, 5), paymentTerms: "net7" }),
  );
  expect(moved.name).toBe(made.name);
  expect(moved.customProperties).toMatchObject({ bookingMonth: "2025-12", dueDay: "2025-12-12" });
  shown(await post(`/invoices/${made.id}/cancel`, { reason: "Mistake" }));
  expect((await draft()).name).toBe("INV-2026-01-002");
});

test("a draft changes as a whole: lines, discount, party", async () => {
  const { draft, patch } = await openBooks();
  const { id } = await draft({ discountInCents: 100 });
  const path = `/invoices/${id}`;
  const percent = shown(await patch(path, { discountPercent: 50 })).customProperties;
  expect(percent).toMatchObject({ discountPercent: 50, totalAmountInCents: 5950 });
  expect(percent).not.toHaveProperty("discountInCents");
  const none = shown(await patch(path, { discountPercent: null })).customProperties;
  expect(none).toMatchObject({ totalAmountInCents: 11_900, amountDueInCents: 11_900 });
  const lines = shown(await patch(path, { lineItems: [line({ quantity: 0.5 })], notes: "n" }));
  expect(lines.customProperties).toMatchObject({ totalAmountInCents: 5950, notes: "n" });
  const cleared = shown(await patch(path, { notes: null }));
  expect(cleared.customProperties).not.toHaveProperty("notes");
  expect(shown(await patch(path, {})).version).toBe(cleared.version);
});

test("tax categories, negative lines and both kinds of discounts add up", async () => {
  const { draft } = await openBooks();
  const made = await draft({
    lineItems: [
      line({ quantity: 2.5, unitPriceInCents: 3333, discountPercent: 12.5 }),
      line({ unitPriceInCents: -500 }),
      line({ taxRatePercent: 7, discountInCents: 1 }),
      line({ taxRatePercent: 0 }),
      line({ taxCategory: "exempt", taxRatePercent: 0, taxExemptionReason: "§ 4 UStG" }),
      line({ taxCategory: "reverse_charge", taxRatePercent: undefined }),
      line({ taxCategory: "outside_scope", taxRatePercent: 0 }),
    ],
    discountInCents: 1000,
  });
  const { customProperties: shownFigures } = made;
  // 8332.5 − 12.5 % = 7290.9375 → 7291; −500; 9999; 4 × 10000.
  expect(shownFigures).toMatchObject({
    subtotalInCents: 56_790,
    discountAmountInCents: 1000,
    netAmountInCents: 55_790,
  });
  expect(shownFigures.taxes).toHaveLength(6);
  const total = shownFigures.netAmountInCents + shownFigures.taxAmountInCents;
  expect(shownFigures.totalAmountInCents).toBe(total);
});

test.each([
  ["JPY", 0],
  ["EUR", 2],
  ["KWD", 3],
  ["CLF", 4],
])("%s, with %i decimals, is invoiced in its smallest unit", async (currency) => {
  const { sent } = await openBooks();
  const made = await sent({ currency });
  expect(made.customProperties).toMatchObject({ currency, totalAmountInCents: 11_900 });
});

test("lists filter by status, type, party, currency and number, and by issue date", async () => {
  const { sent, draft, contact, get, post } = await openBooks();
  const contactId = await contact();
  const company = created(await post("/crm/organizations", { name: "Acme" })).id;
  await sent({ billTo: { contactId } });
  await draft({ billTo: { contactId, crmOrganizationId: company }, type: "b2b_single" });
  await draft({ issueDate: Date.UTC(2026, 2, 1), dueDate: Date.UTC(2026, 3, 1), currency: "USD" });
  const namesOf = async (query: string): Promise<string[]> => {
    const answer = await get(`/invoices?${query}`);
    expect(answer.status).toBe(200);
    return (answer.body.data as unknown as { name: string }[]).map(({ name }) => name);
  };
  const [one, two, three] = ["INV-2026-01-001", "INV-2026-01-002", "INV-2026-03-001"];
  expect(await namesOf("")).toEqual([three, two, one]);
  expect(await namesOf("status=sent")).toEqual([one]);
  expect(await namesOf("status=overdue")).toEqual([]);
  expect(await namesOf("type=b2b_single&status=draft")).toEqual([two]);
  expect(await namesOf(`contactId=${contactId}&limit=1&offset=1`)).toEqual([one]);
  expect(await namesOf(`contactId=${contactId}&status=sent&type=b2c_single`)).toEqual([one]);
  expect(await namesOf(`crmOrganizationId=${company}&status=draft`)).toEqual([two]);
  expect(await namesOf("currency=USD")).toEqual([three]);
  expect(await namesOf("invoiceNumber=inv-2026-01-002")).toEqual([two]);
  expect(await namesOf("sort=issueDate")).toEqual([one, two, three]);
  expect(await namesOf("startDate=2026-01-01&endDate=2026-01-31")).toEqual([two, one]);
  expect(await namesOf(`status=sent&startDate=${Date.UTC(2026, 0, 10)}`)).toEqual([one]);
  expect(await namesOf("search=lovelace")).toEqual([three]);
  expect(await namesOf(`search=acme&crmOrganizationId=${company}`)).toEqual([two]);
  const counted = await get(`/invoices?contactId=${contactId}&status=draft`);
  expect(counted.body.meta.total).toBe(1);
  expect(await namesOf(`contactId=${contactId}&crmOrganizationId=${company}`)).toEqual([two]);
  expect(await namesOf("status=draft,sent&sort=number")).toEqual([one, two, three]);
  expect(await namesOf(`contactId=${contactId}&sort=-number`)).toEqual([two, one]);
  expect(await namesOf("invoiceNumber=inv-2026-01-002&status=sent")).toEqual([]);
  expect(await namesOf("startDate=2026-01-01&endDate=2026-01-31&sort=createdAt")).toEqual([
    one,
    two,
  ]);
  expect(await namesOf("startDate=2026-01-01&endDate=2026-01-31&search=lovelace")).toEqual([]);
});

test("another tenant's invoice does not exist, and a key needs the scope", async () => {
  const { draft, backend, organizationId } = await openBooks();
  const { id } = await draft();
  const other = await newTenant(backend);
  for (const [method, path] of [
    ["GET", `/invoices/${id}`],
    ["POST", `/invoices/${id}/send`],
    ["POST", `/invoices/${id}/credit-notes`],
    ["GET", `/invoices/${id}/payments`],
  ] as const) {
    expect((await other.request(method, path)).code).toBe("INVOICE_NOT_FOUND");
  }
  const foreign = await other.request("GET", "/invoices");
  expect(foreign.body.data).toEqual([]);
  const reader = await newKey(backend, organizationId, ["invoices:read"]);
  expect((await reader.request("GET", `/invoices/${id}`)).status).toBe(200);
  expect((await reader.request("POST", `/invoices/${id}/send`)).code).toBe("INSUFFICIENT_SCOPE");
});

test("a contact, CRM organization or project with invoices is not deleted", async () => {
  const { draft, contact, post, request } = await openBooks();
  const contactId = await contact();
  const employee = await contact();
  const company = created(await post("/crm/organizations", { name: "Acme" })).id;
  const { id } = await draft({
    billTo: { contactId, crmOrganizationId: company },
    lineItems: [line({ contactId: employee })],
  });
  for (const path of [
    `/crm/contacts/${contactId}`,
    `/crm/contacts/${employee}`,
    `/crm/organizations/${company}`,
  ]) {
    const answer = await request("DELETE", path);
    expect([answer.code, answer.body.error.details.links[0]?.id]).toEqual(["CONFLICT", id]);
  }
});

test("a repeated Idempotency-Key makes one invoice and uses one number", async () => {
  const { request, draft } = await openBooks();
  const headers = { "Idempotency-Key": "once" };
  const first = await request("POST", "/invoices", { body: invoice(), headers });
  const second = await request("POST", "/invoices", { body: invoice(), headers });
  expect(shown(second).id).toBe(shown(first).id);
  expect((await draft()).name).toBe("INV-2026-01-002");
});

test("creating an invoice of 10 lines reads at most 16 documents", async () => {
  const { post, contact } = await openBooks();
  const contactId = await contact();
  const company = created(await post("/crm/organizations", { name: "Acme" })).id;
  const body = invoice({
    billTo: { contactId, crmOrganizationId: company },
    lineItems: Array.from({ length: 10 }, () => line()),
  });
  await post("/invoices", body);
  expect((await post("/invoices", body)).status).toBe(201);
  expect(documentsRead()).toBeLessThanOrEqual(16);
});
