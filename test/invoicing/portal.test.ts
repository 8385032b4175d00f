import { expect, test } from "vitest";
import { type Books, created, type Doc, line, openBooks, shown } from "./books";

/** A portal user of Ada, with requests under their session. */
async function portal(
  books: Books,
  email: string,
): Promise<(path: string) => ReturnType<Books["get"]>> {
  const user = { email, name: "Ada", oauthProvider: "google", oauthId: email };
  const { body } = await books.post("/auth/sync-user", user);
  const token = (body as unknown as { sessionToken: string }).sessionToken;
  return (path) => books.request("GET", path, { token });
}

test("a portal user sees the invoices that were sent to their own contact, and no others", async () => {
  const books = await openBooks();
  const [ada, other] = [await books.contact(), await books.contact()];
  const own = await books.sent({ billTo: { contactId: ada } });
  const draft = await books.draft({ billTo: { contactId: ada } });
  const discarded = await books.draft({ billTo: { contactId: ada } });
  await books.post(`/invoices/${discarded.id}/cancel`);
  const foreign = await books.sent({ billTo: { contactId: other } });
  await books.post(`/invoices/${own.id}/pay`, { paymentMethod: "card", amountInCents: 5 });
  const get = await portal(books, "ada1@x.test");
  const list = await get("/invoices");
  expect(list.body.data.map(({ id }) => id)).toEqual([own.id]);
  expect(shown(await get(`/invoices/${own.id}`)).id).toBe(own.id);
  expect((await get(`/invoices/${own.id}/payments`)).body.data).toHaveLength(1);
  for (const { id } of [draft, discarded, foreign]) {
    expect((await get(`/invoices/${id}`)).code).toBe("INVOICE_NOT_FOUND");
    expect((await get(`/invoices/${id}/credit-notes`)).code).toBe("INVOICE_NOT_FOUND");
  }
  for (const path of ["/reports/revenue?from=2026-01&to=2026-01", "/integrity"]) {
    expect((await get(path)).status).toBe(403);
  }
});

test("a portal user changes no invoice", async () => {
  const books = await openBooks();
  const { id } = await books.sent({ billTo: { contactId: await books.contact() } });
  const user = { email: "ada1@x.test", name: "Ada", oauthProvider: "google", oauthId: "1" };
  const { body } = await books.post("/auth/sync-user", user);
  const token = (body as unknown as { sessionToken: string }).sessionToken;
  for (const action of ["pay", "cancel", "credit-notes", "copy"]) {
    const answer = await books.request("POST", `/invoices/${id}/${action}`, { token, body: {} });
    expect([answer.status, answer.code]).toEqual([403, "FORBIDDEN"]);
  }
});

test("invoices, payments and sums go along when their contact is merged into another", async () => {
  const books = await openBooks();
  const [kept, gone] = [await books.contact(), await books.contact()];
  const { id } = await books.sent({ billTo: { contactId: gone } });
  await books.post(`/invoices/${id}/pay`, { paymentMethod: "card", amountInCents: 1900 });
  await books.post(`/invoices/${id}/credit-notes`);
  expect((await books.post(`/crm/contacts/${kept}/merge`, { sourceId: gone })).status).toBe(200);
  const balance = await books.get(`/crm/contacts/${kept}/balance`);
  expect(balance.body.data).toEqual([{ currency: "EUR", openInCents: -1900 }]);
  const statement = await books.get(
    `/crm/contacts/${kept}/statement?from=2026-01-01&to=2030-01-01`,
  );
  expect(statement.body.data).toMatchObject([{ closingBalanceInCents: -1900 }]);
});

test("a portal user sees the own fields of documents that the organization shows, and no others", async () => {
  const books = await openBooks();
  const billTo = { contactId: await books.contact() };
  const customFields = { deliveryWeek: 12, internalMargin: 0.4 };
  const invoice = await books.sent({ billTo, customFields });
  const note = { customFields, lineItems: [line({ unitPriceInCents: 100 })] };
  await books.post(`/invoices/${invoice.id}/credit-notes`, note);
  const draft = { type: "b2c_single", billTo, customFields, lineItems: [line()] };
  const quote = created(await books.post("/quotes", draft));
  await books.post(`/quotes/${quote.id}/send`, { channels: [] });
  const get = await portal(books, "ada1@x.test");
  const seen = async (): Promise<unknown[]> => {
    const lists = ["/invoices", "/credit-notes", "/quotes"].map(async (path) => {
      const [listed] = (await get(path)).body.data as unknown as Doc[];
      const one = shown(await get(`${path}/${listed?.id ?? ""}`));
      expect(one).toEqual(listed);
      return one.customProperties["customFields"] ?? {};
    });
    return await Promise.all(lists);
  };
  expect(await seen()).toEqual([{}, {}, {}]);
  await books.patch("/organization", { portalFields: ["deliveryWeek"] });
  expect(await seen()).toEqual(Array.from({ length: 3 }, () => ({ deliveryWeek: 12 })));
});
