import { expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { newTenant } from "../helpers/backend";
import { created, openBooks } from "./books";

const functions = api.invoicingOntology;
const content = {
  type: "b2c_single" as const,
  issueDate: Date.UTC(2026, 0, 10),
  dueDate: Date.UTC(2026, 1, 9),
  currency: "EUR",
  subtotalInCents: 10_000,
  taxAmountInCents: 1900,
  totalAmountInCents: 11_900,
  lineItems: [{ description: "Work", quantity: 1, unitPriceInCents: 10_000, taxRatePercent: 19 }],
  paymentTerms: "net30" as const,
};

test("the documented functions take an invoice from draft to paid", async () => {
  const { backend, organizationId, sessionToken: sessionId, contact, post } = await openBooks();
  const contactId = await contact();
  const crmOrgId = created(await post("/crm/organizations", { name: "Acme" })).id;
  const billTo = { contactId, crmOrganizationId: crmOrgId, name: "John", email: "j@x.test" };
  const data = { ...content, sessionId, organizationId, billTo, customFields: { a: 1 } };
  const made = await backend.mutation(functions.createInvoice, { sessionId, data });
  expect(made).toMatchObject({ name: "INV-2026-01-001", status: "draft", subtype: "b2c_single" });
  const invoiceId = made._id;
  const updates = { notes: "n", discountPercent: 50 };
  await backend.mutation(functions.updateInvoice, { sessionId, invoiceId, updates });
  const sent = { sessionId, invoiceId, sentDate: Date.UTC(2026, 0, 11), sentTo: "j@x.test" };
  expect(await backend.mutation(functions.markInvoiceSent, sent)).toMatchObject({ status: "sent" });
  const paid = { sessionId, invoiceId, paidDate: Date.UTC(2026, 0, 12), paymentMethod: "bank" };
  await backend.mutation(functions.markInvoicePaid, { ...paid, transactionRef: "t" });
  const stored = await backend.query(functions.getInvoice, { sessionId, invoiceId });
  expect(stored).toMatchObject({
    status: "paid",
    customProperties: {
      sentDate: sent.sentDate,
      sentTo: "j@x.test",
      paidDate: paid.paidDate,
      transactionRef: "t",
      totalAmountInCents: 5950,
      notes: "n",
    },
  });
  const lists = [
    await backend.query(functions.listInvoices, { sessionId, organizationId }),
    await backend.query(functions.listInvoices, {
      sessionId,
      organizationId,
      filters: { status: "paid", contactId },
    }),
    await backend.query(functions.listInvoices, {
      sessionId,
      organizationId,
      filters: { dateRange: { startDate: content.issueDate, endDate: content.issueDate } },
    }),
    await backend.query(functions.getInvoicesByContact, { sessionId, contactId }),
    await backend.query(functions.getInvoicesByCrmOrganization, {
      sessionId,
      crmOrgId,
      includeArchived: true,
    }),
  ];
  for (const list of lists) expect(list.map(({ _id }) => _id)).toEqual([invoiceId]);
  const paginationOpts = { numItems: 10, cursor: null };
  const page = await backend.query(functions.listInvoicesPaginated, {
    sessionId,
    organizationId,
    filters: { crmOrganizationId: crmOrgId },
    paginationOpts,
  });
  expect(page.page).toHaveLength(1);
});

test("an invoice is cancelled with its reason", async () => {
  const { backend, sessionToken: sessionId, draft } = await openBooks();
  const { id: invoiceId } = await draft();
  const args = { sessionId, invoiceId, reason: "Mistake" };
  expect(await backend.mutation(functions.cancelInvoice, args)).toMatchObject({
    status: "cancelled",
    customProperties: { cancelReason: "Mistake" },
  });
});

test("what the functions refuse is told as over HTTP", async () => {
  const { backend, organizationId, sessionToken: sessionId, draft } = await openBooks();
  const billTo = { name: "A" };
  const wrong = { ...content, organizationId, billTo, totalAmountInCents: 1 };
  const refused = backend.mutation(functions.createInvoice, { sessionId, data: wrong });
  await expect(refused).rejects.toMatchObject({ data: { code: "VALIDATION_ERROR", status: 400 } });
  const data = { ...content, organizationId, billTo, sessionId: "another" };
  await expect(
    backend.mutation(functions.createInvoice, { sessionId, data }),
  ).rejects.toMatchObject({
    data: { details: [{ path: "data.sessionId" }] },
  });
  const { id: invoiceId } = await draft();
  const paid = { sessionId, invoiceId, paidDate: Date.now(), paymentMethod: "x" };
  await expect(backend.mutation(functions.markInvoicePaid, paid)).rejects.toMatchObject({
    data: { code: "INVALID_STATE" },
  });
  const other = await newTenant(backend);
  const foreign = { sessionId: other.sessionToken, invoiceId };
  await expect(backend.query(functions.getInvoice, foreign)).rejects.toMatchObject({
    data: { code: "INVOICE_NOT_FOUND" },
  });
});
