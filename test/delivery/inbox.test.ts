import { beforeEach, expect, test } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { type Fixture, type Member, newBackend, newMember, newTenant } from "../helpers/backend";

/** The inbox of members of staff. */
let home: Fixture;
let mo: Member;

beforeEach(async () => {
  home = await newBackend();
  mo = await newMember(home.backend, [{ organizationId: home.organizationId, role: "member" }]);
});

/** Pays so many invoices, and hands the events on. */
async function payInvoices(count: number, request = home.request): Promise<void> {
  const line = { description: "Work", quantity: 1, unitPriceInCents: 100, taxRatePercent: 19 };
  const body = { type: "b2c_single", lineItems: [line], billTo: { name: "Ada" } };
  for (let made = 0; made < count; made++) {
    const { id } = (await request("POST", "/invoices", { body })).body.data;
    await request("POST", `/invoices/${id}/send`);
    await request("POST", `/invoices/${id}/pay`, { body: { paymentMethod: "card" } });
  }
  const { organizationId } = home;
  await home.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
}

const unread = async (): Promise<unknown> =>
  await home.backend.query(api.notificationQueries.unreadCount, {
    sessionId: mo.sessionToken,
    organizationId: home.organizationId,
  });

test("what happened lies in every member's inbox once, and the live count knows it", async () => {
  await payInvoices(2);
  const { organizationId } = home;
  await home.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
  const { body } = await mo.request("GET", "/notifications");
  expect(body.data).toMatchObject([
    { channel: "in_app", status: "unread", template: "invoice.paid" },
    { channel: "in_app", status: "unread", template: "invoice.paid" },
  ]);
  expect(body.data[0]).toMatchObject({
    subject: expect.stringMatching(/^Invoice INV-.* is paid$/) as string,
  });
  expect(await unread()).toEqual({ unread: 2, isMore: false });
});

test("reading is one's own: by ids, and all at once", async () => {
  await payInvoices(3);
  const [first] = (await mo.request("GET", "/notifications")).body.data;
  const ids = [first?.id];
  const marked = await mo.request("POST", "/notifications/mark-read", { body: { ids } });
  expect(marked.body.data).toMatchObject({ marked: 1 });
  const again = await mo.request("POST", "/notifications/mark-read", { body: { ids } });
  expect(again.body.data).toMatchObject({ marked: 0 });
  expect(await unread()).toEqual({ unread: 2, isMore: false });
  const all = await mo.request("POST", "/notifications/mark-all-read");
  expect(all.body.data).toEqual({ marked: 2, isComplete: true });
  expect(await unread()).toEqual({ unread: 0, isMore: false });
  const left = await mo.request("GET", "/notifications?status=unread");
  expect(left.body.data).toEqual([]);
});

test("another's notification is none of yours", async () => {
  await payInvoices(1);
  const other = await newMember(home.backend, [
    { organizationId: home.organizationId, role: "manager" },
  ]);
  const [mine] = (await mo.request("GET", "/notifications")).body.data;
  const ids = [mine?.id];
  const answer = await other.request("POST", "/notifications/mark-read", { body: { ids } });
  expect([answer.status, answer.code]).toEqual([404, "NOTIFICATION_NOT_FOUND"]);
  const stranger = await newTenant(home.backend);
  for (const { request } of [other, stranger, home]) {
    expect((await request("GET", `/notifications/${mine?.id ?? ""}`)).status).toBe(404);
  }
});

test("nobody is told of what they did themselves, or have switched off", async () => {
  await payInvoices(1, mo.request);
  expect(await unread()).toEqual({ unread: 0, isMore: false });
  const body = { events: { "invoice.paid": { in_app: false, email: true } } };
  const changed = await mo.request("PATCH", "/notifications/settings", { body });
  const audit = await home.backend.run(async ({ db }) => await db.query("auditLogs").collect());
  expect(audit.at(-1)).toMatchObject({ action: "notification_settings.updated" });
  expect(changed.body.data).toMatchObject({
    events: {
      "invoice.paid": { in_app: false, email: true },
      "invoice.overdue": { in_app: true, email: false },
    },
  });
  await home.backend.run(async ({ db }) => {
    await db.patch("users", mo.userId, { email: "mo@studio.test" });
  });
  await payInvoices(1);
  expect(await unread()).toEqual({ unread: 0, isMore: false });
  const { data } = (await home.request("GET", "/notifications?channel=email")).body;
  expect(data).toMatchObject([{ to: "mo@studio.test", template: "notice", status: "queued" }]);
  const settings = await mo.request("GET", "/notifications/settings");
  expect(settings.body.data).toEqual(changed.body.data);
});

test("an unknown event or channel is refused", async () => {
  for (const events of [{ "invoice.eaten": {} }, { "invoice.paid": { pigeon: true } }]) {
    const answer = await mo.request("PATCH", "/notifications/settings", { body: { events } });
    expect(answer.code).toBe("VALIDATION_ERROR");
  }
});

test("an API key has no inbox", async () => {
  expect((await home.request("GET", "/notifications?channel=in_app")).status).toBe(403);
  const settings = await home.request("GET", "/notifications/settings");
  expect(settings.status).toBe(403);
});
