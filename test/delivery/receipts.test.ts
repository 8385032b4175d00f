import { beforeEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import { type Books, openBooks } from "../invoicing/books";

/** The letter that says that a payment has arrived. */
let books: Books;

beforeEach(async () => {
  books = await openBooks();
});

/** Hands on what has happened; every event is handed on once, however often this runs. */
async function dispatch(): Promise<void> {
  const { backend, organizationId } = books;
  await backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
}

type Shown = { id: string; to: string; subject: string };

async function receipts(): Promise<Shown[]> {
  await dispatch();
  const { data } = (await books.get("/notifications?channel=email&limit=200")).body;
  const messages = data as unknown as (Shown & { template: string })[];
  return messages.filter(({ template }) => template === "receipt");
}

const pay = async (id: string, amountInCents?: number): Promise<void> => {
  const amount = amountInCents === undefined ? {} : { amountInCents };
  const paidDate = Date.UTC(2026, 1, 2);
  const answer = await books.post(`/invoices/${id}/pay`, {
    ...{ paymentMethod: "bank_transfer", paidDate },
    ...amount,
  });
  expect(answer.status, answer.text).toBe(200);
};

test("the payment that settles an invoice is acknowledged once, a part of it not", async () => {
  const { id, name } = await books.sent();
  await pay(id, 1_900);
  expect(await receipts()).toEqual([]);
  await pay(id);
  expect(await receipts()).toMatchObject([
    { to: "ada@x.test", subject: `Receipt for invoice ${name}` },
  ]);
  const [receipt] = await receipts();
  const { text, attachments } = (await books.get(`/notifications/${receipt?.id ?? ""}`)).body
    .data as unknown as { text: string; attachments: unknown[] };
  expect(text).toContain("Amount: €119.00\nPaid on: February 2, 2026");
  expect(text).not.toContain("Pay online");
  expect(attachments).toEqual([]);
});

test("two invoices that are settled together get a receipt each; a second settlement gets its own", async () => {
  const first = await books.sent();
  const second = await books.sent();
  await pay(first.id);
  await pay(second.id);
  expect(await receipts()).toHaveLength(2);
  await pay(first.id, -11_900);
  expect(await receipts()).toHaveLength(2);
  await pay(first.id);
  expect(await receipts()).toHaveLength(3);
});

test("what was refunded before the receipt went out, or was written off, is not acknowledged", async () => {
  const refunded = await books.sent();
  await pay(refunded.id);
  await pay(refunded.id, -11_900);
  const given = await books.sent();
  const answer = await books.post(`/invoices/${given.id}/write-off`, { reason: "Goodwill" });
  expect(answer.status, answer.text).toBeLessThan(300);
  expect(await receipts()).toEqual([]);
});

test("nobody gets one whose address is missing or takes no mail", async () => {
  const without = await books.sent({ billTo: { name: "Ada" } });
  const { id } = await books.sent();
  const { backend, organizationId } = books;
  await backend.run(async ({ db }) => {
    const address = { email: "ada@x.test", emailKey: "ada@x.test" };
    const why = { reason: "bounced", createdAt: 0 } as const;
    await db.insert("suppressions", { organizationId, ...address, ...why });
  });
  await pay(without.id);
  await pay(id);
  expect(await receipts()).toEqual([]);
});

test("switched off, none is sent; switched on again, only of what is paid from then on", async () => {
  const paid = await books.sent();
  expect((await books.patch("/organization", { paymentReceipts: false })).status).toBe(200);
  await pay(paid.id);
  expect(await receipts()).toEqual([]);
  expect((await books.patch("/organization", { paymentReceipts: true })).status).toBe(200);
  expect(await receipts()).toEqual([]);
  const later = await books.sent();
  await pay(later.id);
  expect(await receipts()).toHaveLength(1);
});
