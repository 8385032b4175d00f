import { expect, test, vi } from "vitest";
import { created, type Doc, line, openBooks, shown } from "./books";

const pay = { paymentMethod: "bank_transfer" };

test("a sent invoice is paid in parts, and shows what is open", async () => {
  const { sent, post, get } = await openBooks();
  const { id } = await sent();
  const part = shown(await post(`/invoices/${id}/pay`, { ...pay, amountInCents: 1900 }));
  expect(part).toMatchObject({
    status: "sent",
    customProperties: { amountPaidInCents: 1900, amountDueInCents: 10_000 },
  });
  const paidDate = Date.UTC(2026, 0, 20);
  const rest = shown(await post(`/invoices/${id}/pay`, { ...pay, paidDate, transactionRef: "t1" }));
  expect(rest).toMatchObject({
    status: "paid",
    customProperties: {
      amountPaidInCents: 11_900,
      amountDueInCents: 0,
      paidDate,
      paymentMethod: "bank_transfer",
      transactionRef: "t1",
    },
  });
  const payments = await get(`/invoices/${id}/payments`);
  expect(payments.body.meta.total).toBe(2);
});

test("the same transactionRef twice is one payment; of another amount or invoice it is refused", async () => {
  const { sent, post, get } = await openBooks();
  const { id } = await sent();
  const payment = { ...pay, amountInCents: 100, transactionRef: "Tx-1" };
  const once = shown(await post(`/invoices/${id}/pay`, payment));
  const twice = shown(await post(`/invoices/${id}/pay`, { ...payment, transactionRef: "tx-1 " }));
  expect(twice).toEqual(once);
  expect((await post(`/invoices/${id}/pay`, { ...payment, amountInCents: 99 })).code).toBe(
    "CONFLICT",
  );
  const other = await sent();
  expect((await post(`/invoices/${other.id}/pay`, payment)).code).toBe("CONFLICT");
  shown(await post(`/invoices/${other.id}/pay`, { ...pay, transactionRef: "full" }));
  const again = await post(`/invoices/${other.id}/pay`, { ...pay, transactionRef: "full" });
  expect(shown(again).status).toBe("paid");
  expect((await get(`/invoices/${other.id}/payments`)).body.meta.total).toBe(1);
});

test("more than is open is refused, and more than was paid is not given back", async () => {
  const { sent, post, get } = await openBooks();
  const { id } = await sent();
  const over = await post(`/invoices/${id}/pay`, { ...pay, amountInCents: 11_901 });
  expect([over.status, over.code]).toEqual([409, "CONFLICT"]);
  await post(`/invoices/${id}/pay`, { ...pay, amountInCents: 50 });
  const back = await post(`/invoices/${id}/pay`, { ...pay, amountInCents: -51 });
  expect(back.code).toBe("CONFLICT");
  const still = shown(await get(`/invoices/${id}`));
  expect(still.customProperties).toMatchObject({ amountPaidInCents: 50 });
  shown(await post(`/invoices/${id}/pay`, pay));
  expect((await post(`/invoices/${id}/pay`, pay)).code).toBe("INVALID_STATE");
  expect((await post(`/invoices/${id}/pay`, { ...pay, amountInCents: 1 })).code).toBe("CONFLICT");
});

test("a refund opens an invoice again: sent before its due date, overdue after it", async () => {
  const { sent, post } = await openBooks();
  const now = Date.now();
  for (const [dueDate, status] of [
    [now + 86_400_000 * 3, "sent"],
    [now - 86_400_000 * 3, "overdue"],
  ] as const) {
    const { id } = await sent({ issueDate: now - 86_400_000 * 10, dueDate });
    expect(shown(await post(`/invoices/${id}/pay`, pay)).status).toBe("paid");
    const back = shown(await post(`/invoices/${id}/pay`, { ...pay, amountInCents: -900 }));
    expect(back).toMatchObject({ status, customProperties: { amountDueInCents: 900 } });
    expect(shown(await post(`/invoices/${id}/pay`, pay)).status).toBe("paid");
  }
});

test("drafts and cancelled invoices take no payment, credit or write-off", async () => {
  const { draft, sent, post } = await openBooks();
  const one = await draft();
  const other = await sent();
  shown(await post(`/invoices/${other.id}/cancel`));
  for (const { id } of [one, other]) {
    for (const [action, body] of [
      ["pay", pay],
      ["credit-notes", {}],
      ["write-off", {}],
    ] as const) {
      const answer = await post(`/invoices/${id}/${action}`, body);
      expect([answer.status, answer.code]).toEqual([409, "INVALID_STATE"]);
    }
  }
});

test("an invoice goes the ways that are allowed, and says which when it refuses", async () => {
  const { draft, sent, post, patch } = await openBooks();
  const { id } = await sent();
  const gone = await sent();
  shown(await post(`/invoices/${gone.id}/cancel`, {}));
  const late = await post(`/invoices/${gone.id}/send`);
  expect(late.body.error).toMatchObject({
    code: "INVALID_STATE",
    details: {
      status: "cancelled",
      allowed: ["draft", "sent", "awaiting_employer_payment", "overdue"],
    },
  });
  const changed = await patch(`/invoices/${id}`, { lineItems: [line()] });
  expect(changed.body.error).toMatchObject({
    code: "INVALID_STATE",
    details: { status: "sent", allowed: ["notes", "customFields"] },
  });
  const noted = shown(await patch(`/invoices/${id}`, { notes: "late", customFields: { a: 1 } }));
  expect(noted.customProperties).toMatchObject({ notes: "late", customFields: { a: 1 } });
  shown(await post(`/invoices/${id}/cancel`, { reason: "Wrong client" }));
  expect((await post(`/invoices/${id}/cancel`)).body.error.details).toMatchObject({
    status: "cancelled",
    allowed: [],
  });
  const cancelledDraft = await draft();
  expect(shown(await post(`/invoices/${cancelledDraft.id}/cancel`)).status).toBe("cancelled");
});

test("a B2B invoice waits for the employer; a B2C one does not", async () => {
  const { sent, draft, post, patch } = await openBooks();
  const status = "awaiting_employer_payment";
  const { id } = await sent({ type: "b2b_single" });
  expect(shown(await patch(`/invoices/${id}`, { status })).status).toBe(status);
  expect(shown(await post(`/invoices/${id}/pay`, pay)).status).toBe("paid");
  const b2c = await sent();
  expect((await patch(`/invoices/${b2c.id}`, { status })).paths).toEqual(["body.status"]);
  const open = await draft({ type: "b2b_consolidated" });
  expect((await patch(`/invoices/${open.id}`, { status })).code).toBe("INVALID_STATE");
});

test("send records when and to whom, and answers the notifications", async () => {
  const { draft, post } = await openBooks();
  const sentDate = Date.UTC(2026, 0, 11);
  const one = await post(`/invoices/${(await draft()).id}/send`, { channels: [], sentDate });
  expect(shown(one)).toMatchObject({
    status: "sent",
    notificationIds: [],
    customProperties: { sentDate, sentTo: "ada@x.test" },
  });
  const to = ["a@x.test", "b@x.test"];
  const two = await post(`/invoices/${(await draft()).id}/send`, { to });
  expect(shown(two).customProperties).toMatchObject({ sentTo: "a@x.test, b@x.test" });
});

test("an invoice over nothing is paid when it is sent", async () => {
  const { sent } = await openBooks();
  expect((await sent({ discountPercent: 100 })).status).toBe("paid");
});

test("a partly settled invoice is not cancelled", async () => {
  const { sent, post } = await openBooks();
  const { id } = await sent();
  await post(`/invoices/${id}/pay`, { ...pay, amountInCents: 1 });
  expect((await post(`/invoices/${id}/cancel`)).code).toBe("CONFLICT");
  await post(`/invoices/${id}/pay`, { ...pay, amountInCents: -1 });
  expect(shown(await post(`/invoices/${id}/cancel`)).status).toBe("cancelled");
});

test("a credit note has a number of its own, and the invoice and it come to zero", async () => {
  const { sent, post, get } = await openBooks();
  vi.setSystemTime(Date.UTC(2026, 4, 5));
  const { id } = await sent({
    discountInCents: 333,
    lineItems: [line(), line({ taxRatePercent: 7 })],
  });
  const answer = await post(`/invoices/${id}/credit-notes`, { reason: "Error" });
  const { creditNote, invoice } = answer.body.data as unknown as { creditNote: Doc; invoice: Doc };
  vi.useRealTimers();
  expect(creditNote).toMatchObject({
    name: "CN-2026-05-001",
    subtype: "full",
    customProperties: { invoiceNumber: "INV-2026-01-001", reason: "Error", discountInCents: 333 },
  });
  expect(invoice).toMatchObject({ status: "paid", customProperties: { amountDueInCents: 0 } });
  expect((await get(`/credit-notes/${creditNote.id}`)).status).toBe(200);
  expect((await get(`/invoices/${id}/credit-notes`)).body.meta.total).toBe(1);
  expect((await post(`/invoices/${id}/credit-notes`)).code).toBe("CONFLICT");
});

test("credit notes in parts take all of it, tax to the last unit, and no more", async () => {
  const { sent, post, get } = await openBooks();
  const { id } = await sent({ lineItems: [line({ unitPriceInCents: 10, taxRatePercent: 19 })] });
  const part = { lineItems: [line({ unitPriceInCents: 3, taxRatePercent: 19 })] };
  for (let i = 0; i < 3; i++) created(await post(`/invoices/${id}/credit-notes`, part));
  const tooMuch = await post(`/invoices/${id}/credit-notes`, part);
  expect([tooMuch.code, tooMuch.body.error.details]).toMatchObject([
    "CONFLICT",
    { taxableLeftInCents: 1 },
  ]);
  const foreign = { lineItems: [line({ unitPriceInCents: 1, taxRatePercent: 7 })] };
  expect((await post(`/invoices/${id}/credit-notes`, foreign)).code).toBe("VALIDATION_ERROR");
  created(await post(`/invoices/${id}/credit-notes`));
  const after = shown(await get(`/invoices/${id}`));
  expect(after.customProperties).toMatchObject({ amountCreditedInCents: 12, amountDueInCents: 0 });
});

test("crediting a paid invoice leaves the customer owed, who can be refunded", async () => {
  const { sent, post } = await openBooks();
  const { id } = await sent();
  await post(`/invoices/${id}/pay`, pay);
  created(await post(`/invoices/${id}/credit-notes`));
  const refunded = shown(await post(`/invoices/${id}/pay`, { ...pay, amountInCents: -11_900 }));
  expect(refunded).toMatchObject({ status: "paid", customProperties: { amountDueInCents: 0 } });
});

test("what is open is written off, in part or whole, and taken back", async () => {
  const { sent, post } = await openBooks();
  const { id } = await sent();
  const part = shown(
    await post(`/invoices/${id}/write-off`, { amountInCents: 900, reason: "Gift" }),
  );
  expect(part).toMatchObject({ status: "sent", customProperties: { amountDueInCents: 11_000 } });
  const whole = shown(await post(`/invoices/${id}/write-off`));
  expect(whole).toMatchObject({
    status: "paid",
    customProperties: { amountWrittenOffInCents: 11_900, amountPaidInCents: 0 },
  });
  const back = shown(await post(`/invoices/${id}/write-off`, { amountInCents: -11_900 }));
  expect(back).toMatchObject({ customProperties: { amountDueInCents: 11_900 } });
  expect((await post(`/invoices/${id}/write-off`, { amountInCents: -1 })).code).toBe("CONFLICT");
});

test("a copy is a new draft with the same lines", async () => {
  const { sent, post } = await openBooks();
  const { id } = await sent({ discountPercent: 10, notes: "n", customFields: { a: 1 } });
  const dates = { issueDate: Date.UTC(2026, 5, 1) };
  const copy = created(await post(`/invoices/${id}/copy`, dates));
  expect(copy).toMatchObject({
    name: "INV-2026-06-001",
    status: "draft",
    customProperties: {
      ...dates,
      copiedFromId: id,
      totalAmountInCents: 10_710,
      amountDueInCents: 10_710,
      notes: "n",
      customFields: { a: 1 },
    },
  });
});

test("a quote is sent, accepted and becomes one invoice", async () => {
  const { post, patch, get } = await openBooks();
  const issueDate = Date.UTC(2026, 0, 5);
  const quote = created(
    await post("/quotes", {
      type: "b2c_single",
      issueDate,
      lineItems: [line()],
      billTo: { name: "Ada" },
    }),
  );
  expect(quote).toMatchObject({ name: "QUO-2026-01-001", status: "draft" });
  const path = `/quotes/${quote.id}`;
  shown(await patch(path, { discountPercent: 50 }));
  expect((await post(`${path}/accept`)).code).toBe("INVALID_STATE");
  expect((await post(`${path}/invoice`)).code).toBe("INVALID_STATE");
  shown(await post(`${path}/send`));
  expect((await patch(path, { discountPercent: 1 })).code).toBe("INVALID_STATE");
  expect(shown(await post(`${path}/accept`)).status).toBe("accepted");
  const made = created(await post(`${path}/invoice`, { issueDate }));
  expect(made).toMatchObject({
    name: "INV-2026-01-001",
    status: "draft",
    customProperties: { quoteId: quote.id, totalAmountInCents: 5950 },
  });
  expect((await post(`${path}/invoice`)).body.error.details).toMatchObject({ invoiceId: made.id });
  expect((await get(`/quotes?status=accepted`)).body.meta.total).toBe(1);
});

test("a quote is declined with a reason, or taken back", async () => {
  const { post } = await openBooks();
  const body = { type: "b2c_single", lineItems: [line()], billTo: { name: "Ada" } };
  const one = created(await post("/quotes", body));
  shown(await post(`/quotes/${one.id}/send`));
  const declined = shown(await post(`/quotes/${one.id}/decline`, { reason: "Too dear" }));
  expect(declined).toMatchObject({
    status: "declined",
    customProperties: { declineReason: "Too dear" },
  });
  const two = created(await post("/quotes", body));
  expect(shown(await post(`/quotes/${two.id}/cancel`)).status).toBe("cancelled");
});
