import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { letterOf, TEMPLATE_NAMES } from "../../convex/delivery/letters";
import { newTenant } from "../helpers/backend";
import { type Books, openBooks } from "../invoicing/books";

/** What letters say, what they carry, and what is left of them. */
let books: Books;

beforeEach(async () => {
  books = await openBooks();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const DATA = {
  ...{ organization: "Studio Nord", recipient: "Ada", number: "INV-1", amount: "€119.00" },
  ...{ open: "€19.00", dueDate: "May 1", validUntil: "May 2", paidOn: "May 3", inviter: "Mo" },
  ...{ originalNumber: "INV-0", title: "Invoice INV-1 is paid", level: "2", isDue: "yes" },
};

test.each(TEMPLATE_NAMES)("the plain text of %s, in both languages", (template) => {
  const link = "https://pay.test/1";
  const english = letterOf(template, "en", DATA, link);
  const german = letterOf(template, "de", DATA, link);
  expect(`${english.subject}\n\n${english.text}`).toMatchSnapshot();
  expect(`${german.subject}\n\n${german.text}`).toMatchSnapshot();
  expect(english.html).toContain(`href="${link}"`);
});

type Message = { id: Id<"notifications">; attachments: unknown; text: string };

async function newest(): Promise<Message> {
  const [first] = (await books.get("/notifications?channel=email&limit=1")).body.data;
  return (await books.get(`/notifications/${first?.id ?? ""}`)).body.data as unknown as Message;
}

test("a late invoice comes with its reminder, one that is not due yet with the invoice", async () => {
  const late = await books.sent();
  await books.post(`/invoices/${late.id}/remind`, { level: 2 });
  const reminder = [{ objectId: late.id, format: "reminder-2" }];
  expect(await newest()).toMatchObject({ attachments: reminder });
  const now = Date.now();
  const early = await books.sent({ issueDate: now, dueDate: now + 30 * 24 * 60 * 60 * 1000 });
  await books.post(`/invoices/${early.id}/remind`, {});
  expect(await newest()).toMatchObject({ attachments: [{ objectId: early.id, format: "pdf" }] });
});

test("a letter leads to the invoice's payment link", async () => {
  const { id } = await books.draft();
  await books.backend.run(async ({ db }) => {
    const invoiceId = db.normalizeId("objects", id);
    const invoice = invoiceId && (await db.get("objects", invoiceId));
    if (invoice?.type !== "invoice") throw new Error("The invoice is missing.");
    const customProperties = { ...invoice.customProperties, paymentUrl: "https://pay.test/42" };
    await db.patch("objects", invoice._id, { customProperties });
  });
  await books.post(`/invoices/${id}/send`);
  expect((await newest()).text).toContain("Pay online:\nhttps://pay.test/42");
});

test("sending an invoice reads at most 20 documents, however many there are", async () => {
  const read: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (let more = 0; more < 5; more++) await books.sent();
    const { id } = await books.draft();
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: unknown) => lines.push(String(line)));
    expect((await books.post(`/invoices/${id}/send`)).status).toBe(200);
    vi.restoreAllMocks();
    const line = lines.find((each) => each.includes("/send")) ?? "{}";
    read.push((JSON.parse(line) as { documentsRead?: number }).documentsRead ?? Infinity);
  }
  expect(Math.max(...read)).toBeLessThanOrEqual(20);
  expect(read.at(-1)).toBe(read[0]);
});

test("erasing a person blanks what went to them, and forgets their address", async () => {
  const email = "zaphod@betelgeuse.test";
  const contactId = await books.contact({ firstName: "Zaphod", email });
  const { id } = await books.draft({ billTo: { contactId, name: "Zaphod", email } });
  await books.post(`/invoices/${id}/send`);
  const message = await newest();
  const { organizationId, backend } = books;
  await backend.run(async ({ db }) => {
    const emailKey = email;
    const why = { reason: "bounced", createdAt: 0 } as const;
    await db.insert("suppressions", { organizationId, email, emailKey, ...why });
  });
  expect((await books.post(`/crm/contacts/${contactId}/erase`)).status).toBe(200);
  const step = { contactId: contactId as Id<"objects">, cursor: null };
  await backend.mutation(internal.delivery.retention.forgetPerson, step);
  const left = await backend.run(async ({ db }) => [
    await db.get("notifications", message.id),
    await db.query("suppressions").collect(),
  ]);
  expect(JSON.stringify(left)).not.toContain("etelgeuse");
  expect(JSON.stringify(left)).not.toContain("Zaphod");
  expect(left[1]).toEqual([]);
});

test("another organization's messages cannot be sent again, nor its suppressions lifted", async () => {
  await books.sent();
  const { id } = await newest();
  const { organizationId, backend } = books;
  const suppressionId = await backend.run(async ({ db }) =>
    db.insert("suppressions", {
      ...{ organizationId, email: "a@x.test", emailKey: "a@x.test" },
      ...{ reason: "bounced", createdAt: 0 },
    }),
  );
  const other = await newTenant(backend);
  expect(await other.request("POST", `/notifications/${id}/resend`)).toMatchObject({
    status: 404,
    code: "NOTIFICATION_NOT_FOUND",
  });
  const path = `/notifications/suppressions/${suppressionId}`;
  expect((await other.request("DELETE", path)).status).toBe(404);
  expect((await books.request("DELETE", path)).status).toBe(204);
  const audit = await backend.run(async ({ db }) => await db.query("auditLogs").collect());
  expect(audit.at(-1)).toMatchObject({ action: "suppression.lifted", objectId: suppressionId });
});
