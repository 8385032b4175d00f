import { beforeEach, expect, test } from "vitest";
import type { Answer } from "../helpers/answer";
import { type Books, line, openBooks } from "../invoicing/books";

/** Sending once more what is sent already, and a message to another address. */
let books: Books;

beforeEach(async () => {
  books = await openBooks();
});

type Sent = { id: string; status: string; notificationIds: string[] };
const sentOf = (answer: Answer): Sent => {
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Sent;
};

async function addressOf(id: string): Promise<string> {
  const { data } = (await books.get(`/notifications/${id}`)).body;
  return (data as unknown as { to: string }).to;
}

test("a sent invoice goes out again, to whom is said, and stays as it is", async () => {
  const { id } = await books.sent();
  const before = (await books.get(`/invoices/${id}`)).body.data as unknown as Sent;
  const again = sentOf(await books.post(`/invoices/${id}/send`, { to: ["grace@x.test"] }));
  expect(again.status).toBe("sent");
  expect(await addressOf(again.notificationIds[0] ?? "")).toBe("grace@x.test");
  expect((await books.get(`/invoices/${id}`)).body.data).toEqual(before);
});

test("sending again to nobody, or on another date, is refused and names the field", async () => {
  const { id } = await books.sent();
  for (const [body, path] of [
    [{ channels: [] }, "body.channels"],
    [{ sentDate: Date.now() }, "body.sentDate"],
  ] as const) {
    const refused = await books.post(`/invoices/${id}/send`, body);
    expect(refused).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
    expect(refused.text).toContain(path);
  }
});

test("a paid or cancelled invoice is not sent again", async () => {
  const paid = await books.sent();
  await books.post(`/invoices/${paid.id}/pay`, { paymentMethod: "cash" });
  const cancelled = await books.sent();
  await books.post(`/invoices/${cancelled.id}/cancel`, {});
  for (const { id } of [paid, cancelled]) {
    const refused = await books.post(`/invoices/${id}/send`, {});
    expect(refused).toMatchObject({ status: 409, code: "INVALID_STATE" });
  }
});

test("a sent quote goes out again", async () => {
  const billTo = { name: "Ada", email: "ada@x.test" };
  const quote = { type: "b2c_single", currency: "EUR", billTo, lineItems: [line()] };
  const made = await books.post("/quotes", quote);
  expect(made.status, made.text).toBe(201);
  const path = `/quotes/${made.body.data.id}/send`;
  sentOf(await books.post(path, {}));
  const again = sentOf(await books.post(path, { to: "grace@x.test" }));
  expect(again.status).toBe("sent");
  expect(await addressOf(again.notificationIds[0] ?? "")).toBe("grace@x.test");
});

test("a body that nobody reads is refused, also a broken one; an empty one is not", async () => {
  const billTo = { name: "Ada", email: "ada@x.test" };
  const quote = { type: "b2c_single", currency: "EUR", billTo, lineItems: [line()] };
  const { id } = (await books.post("/quotes", quote)).body.data;
  sentOf(await books.post(`/quotes/${id}/send`, {}));
  const path = `/quotes/${id}/accept`;
  expect((await books.post(path, { accepted: true })).status).toBe(400);
  for (const raw of ['{"accepted":', "[]", "x"]) {
    expect((await books.request("POST", path, { raw })).status, raw).toBe(400);
  }
  expect((await books.post(path, {})).status).toBe(200);
});
