// @vitest-environment node
import PostalMime from "postal-mime";
import { afterEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { moveClock, openOutbox, type Outbox } from "../delivery/outbox";
import { startSmtp } from "../delivery/smtpServer";
import { newMember, newTestTenant, requestsOf, type Tenant } from "../helpers/backend";
import { created, invoice, shown } from "../invoicing/books";

/** Which mail leaves a test organization: that to its own members, and no other, whatever it is. */
let stop: () => Promise<void> = async () => undefined;

afterEach(async () => {
  await stop();
});

const MEMBER = "owner@studio.test";
const CLIENT = "ada@x.test";
const SUPPRESSED = { status: "failed", reason: "suppressed: test mode" };

type Trial = Tenant & { outbox: Outbox; mails: string[]; run: () => Promise<void> };

async function openTrial(env: Record<string, string> = {}): Promise<Trial> {
  const server = await startSmtp();
  stop = server.close;
  const outbox = await openOutbox({
    ...{ SMTP_URL: server.url, EMAIL_FROM: "mail@studio.test", RESEND_API_KEY: "" },
    ...{ APP_URL: "https://app.studio.test", RATE_LIMIT_FACTOR: "100", ...env },
  });
  const trial = await newTestTenant(outbox);
  const { organizationId } = trial;
  const run = async (): Promise<void> => {
    await outbox.backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
    await outbox.backend.mutation(internal.delivery.queue.wake, { organizationId });
    await outbox.run();
  };
  return { ...trial, outbox, mails: server.mails, run };
}

type Shown = {
  id: string;
  status: string;
  reason: string | null;
  to: string;
  template: string;
  channel: string;
};

async function messages({ request }: Tenant, channel = "email"): Promise<Shown[]> {
  const path = `/notifications?channel=${channel}&limit=200`;
  return (await request("GET", path)).body.data as unknown as Shown[];
}

async function recipients(mails: readonly string[]): Promise<(string | undefined)[]> {
  const parsed = await Promise.all(mails.map((mail) => PostalMime.parse(mail)));
  return parsed.flatMap(({ to = [], cc = [], bcc = [] }) =>
    [...to, ...cc, ...bcc].map(({ address }) => address),
  );
}

async function sentInvoice({ request }: Tenant, sending: object = {}): Promise<string> {
  const { id } = created(await request("POST", "/invoices", { body: invoice() }));
  shown(await request("POST", `/invoices/${id}/send`, { body: sending }));
  return id;
}

test("a member gets an invoice with its TEST- number, a client does not, and the row says why", async () => {
  const trial = await openTrial();
  const id = await sentInvoice(trial, { to: [MEMBER, CLIENT, "OWNER@studio.test"] });
  await trial.run();
  expect((await recipients(trial.mails)).sort()).toEqual(["OWNER@studio.test", MEMBER]);
  const mail = await PostalMime.parse(trial.mails[0] ?? "");
  expect(mail.subject).toMatch(/^Invoice TEST-INV-2026-01-001 from /);
  expect(mail.attachments.map(({ filename }) => filename)).toEqual(["TEST-INV-2026-01-001.pdf"]);
  const rows = await messages(trial);
  expect(rows.find(({ to }) => to === CLIENT)).toMatchObject(SUPPRESSED);
  const failed = await trial.request("GET", "/notifications?channel=email&status=failed");
  expect(failed.body.data).toHaveLength(1);
  const trail = await trial.request("GET", `/audit?objectId=${id}`);
  expect(trail.text).toContain("invoice.undelivered");
});

test("nothing else goes to a client: quotes, credit notes, reminders, receipts, recurring ones, copies", async () => {
  const trial = await openTrial();
  const { request, outbox } = trial;
  const { dueDate: _due, ...quoted } = invoice();
  const quote = created(await request("POST", "/quotes", { body: quoted }));
  shown(await request("POST", `/quotes/${quote.id}/send`, { body: {} }));
  const id = await sentInvoice(trial);
  shown(await request("POST", `/invoices/${id}/send`, { body: { message: "Again" } }));
  expect((await request("POST", `/invoices/${id}/remind`, { body: {} })).status).toBe(200);
  const credited = await sentInvoice(trial);
  const answer = await request("POST", `/invoices/${credited}/credit-notes`, { body: {} });
  const { creditNote } = answer.body.data as unknown as { creditNote: { id: string } };
  shown(await request("POST", `/credit-notes/${creditNote.id}/send`, { body: {} }));
  const payment = { paymentMethod: "card", paidDate: Date.UTC(2026, 10, 20) };
  expect((await request("POST", `/invoices/${id}/pay`, { body: payment })).status).toBe(200);
  const { lineItems, billTo } = invoice();
  const schedule = { frequency: "monthly", startDay: "2026-11-20" };
  const recurring = { title: "Care", type: "b2c_single", lineItems, billTo, schedule };
  created(
    await request("POST", "/recurring-invoices", { body: { ...recurring, delivery: "send" } }),
  );
  await outbox.backend.mutation(internal.invoicingJobs.round, { cursor: null });
  await trial.run();
  const rows = await messages(trial);
  const templates = new Set(rows.map(({ template }) => template));
  const expected = ["invoice", "quote", "credit_note", "reminder", "receipt"];
  expect([...templates].sort()).toEqual(expected.sort());
  for (const row of rows) expect(row).toMatchObject({ to: CLIENT, ...SUPPRESSED });
  const copy = await request("POST", `/notifications/${rows[0]?.id ?? ""}/resend`);
  expect(copy.body.data).toMatchObject(SUPPRESSED);
  const elsewhere = { to: "stranger@y.test" };
  const path = `/notifications/${rows[0]?.id ?? ""}/resend`;
  expect((await request("POST", path, { body: elsewhere })).body.data).toMatchObject(SUPPRESSED);
  await trial.run();
  expect(trial.mails).toEqual([]);
  const home = await request("POST", path, { body: { to: MEMBER } });
  expect([home.status, home.body.data.status]).toEqual([201, "queued"]);
  await trial.run();
  expect(await recipients(trial.mails)).toEqual([MEMBER]);
});

test("a rule's reminders go to members alone, and are noted on the invoice", async () => {
  const trial = await openTrial();
  const { request, outbox, organizationId } = trial;
  const rules = [{ days: 0, level: 1 }];
  const reminders = { enabled: true, rules, channels: ["email"] };
  const set = await request("PATCH", "/organization", { body: { reminders } });
  expect(set.status, set.text).toBe(200);
  const dueDate = Date.UTC(2026, 10, 20);
  const made = [CLIENT, MEMBER].map(async (email) => {
    const body = invoice({ dueDate, billTo: { name: "Ada", email } });
    const { id } = created(await request("POST", "/invoices", { body }));
    shown(await request("POST", `/invoices/${id}/send`, { body: { channels: [] } }));
  });
  await Promise.all(made);
  for (const status of [0, 1, 2]) {
    const step = { organizationId, rule: 0, status, cursor: null };
    await outbox.backend.mutation(internal.delivery.reminderJobs.step, step);
  }
  await trial.run();
  expect(await recipients(trial.mails)).toEqual([MEMBER]);
  const rows = await messages(trial);
  expect(rows.find(({ to }) => to === CLIENT)).toMatchObject(SUPPRESSED);
});

test("an invite is not mailed: its token is in the answer, and lets its reader in", async () => {
  const trial = await openTrial();
  const owner = requestsOf(trial.outbox.backend, trial.sessionToken);
  const path = `/tenants/${trial.organizationId}/invite`;
  const body = { email: CLIENT, role: "member" };
  const invited = await owner("POST", path, { body });
  expect(invited.status, invited.text).toBe(201);
  const { token, id } = invited.body.data as unknown as { token: string; id: string };
  const again = await owner("POST", `/tenants/${trial.organizationId}/invites/${id}/resend`);
  const { token: second } = again.body.data as unknown as { token: string };
  await trial.run();
  expect(trial.mails).toEqual([]);
  for (const row of await messages(trial)) {
    expect(row).toMatchObject({ template: "invite", to: CLIENT, ...SUPPRESSED });
  }
  expect([token, second]).toEqual([expect.any(String), expect.any(String)]);
  const person = await newMember(trial.outbox.backend, []);
  await trial.outbox.backend.run(async ({ db }) => {
    await db.patch("users", person.userId, { email: CLIENT, emailKey: CLIENT });
  });
  const accepted = await person.request("POST", "/tenants/invites/accept", {
    body: { token: second },
  });
  expect(accepted.body.data).toMatchObject({ mode: "test", role: "member" });
  // A member by now.
  await sentInvoice(trial, { to: CLIENT });
  await trial.run();
  expect(await recipients(trial.mails)).toEqual([CLIENT]);
});

test("who is no member any more when the attempt begins gets nothing", async () => {
  const trial = await openTrial();
  const { backend } = trial.outbox;
  const { organizationId } = trial;
  const member = await newMember(backend, [{ organizationId, role: "viewer" }]);
  await backend.run(async ({ db }) => {
    await db.patch("users", member.userId, { email: "mo@x.test", emailKey: "mo@x.test" });
  });
  await sentInvoice(trial, { to: "mo@x.test" });
  const owner = requestsOf(backend, trial.sessionToken);
  const left = await owner("DELETE", `/tenants/${organizationId}/members/${member.userId}`);
  expect(left.status).toBe(204);
  await trial.run();
  expect(trial.mails).toEqual([]);
  const [row] = await messages(trial);
  expect(row).toMatchObject({ to: "mo@x.test", ...SUPPRESSED });
});

test.each<[string, { role: "member"; status?: "invited" } | null, number | undefined]>([
  ["a stranger of another organization alone", null, undefined],
  ["somebody who is invited", { role: "member", status: "invited" }, undefined],
  ["a member whose account was deleted", { role: "member" }, 1],
])("the address of %s is no member's", async (_who, membership, deletedAt) => {
  const trial = await openTrial();
  const { backend, organizationId: live } = trial.outbox;
  const memberships = [
    { organizationId: live, role: "member" as const },
    ...(membership ? [{ organizationId: trial.organizationId, ...membership }] : []),
  ];
  const { userId } = await newMember(backend, memberships);
  await backend.run(async ({ db }) => {
    const email = { email: "mo@x.test", emailKey: "mo@x.test" };
    await db.patch("users", userId, deletedAt === undefined ? email : { ...email, deletedAt });
  });
  await sentInvoice(trial, { to: "mo@x.test" });
  await trial.run();
  expect(trial.mails).toEqual([]);
  expect(await messages(trial)).toMatchObject([SUPPRESSED]);
});

test("nothing goes by WhatsApp, and Meta is not asked", async () => {
  const trial = await openTrial({ WHATSAPP_TOKEN: "t", WHATSAPP_PHONE_ID: "1" });
  await sentInvoice(trial, { to: "+4930123456" });
  await trial.run();
  expect(await messages(trial, "whatsapp")).toMatchObject([{ to: "+4930123456", ...SUPPRESSED }]);
});

test("without a provider a client's mail is suppressed at once, not kept for later", async () => {
  const trial = await openTrial({ SMTP_URL: "", EMAIL_FROM: "" });
  await sentInvoice(trial, { to: [MEMBER, CLIENT] });
  const rows = await messages(trial);
  expect(rows.find(({ to }) => to === CLIENT)).toMatchObject(SUPPRESSED);
  expect(rows.find(({ to }) => to === MEMBER)).toMatchObject({ status: "queued" });
});

test("staff are told of what was not sent, and by mail if they want", async () => {
  const trial = await openTrial();
  const owner = requestsOf(trial.outbox.backend, trial.sessionToken);
  const headers = { "X-Tenant-Id": trial.organizationId };
  const events = { "invoice.undelivered": { email: true } };
  const set = await owner("PATCH", "/notifications/settings", { headers, body: { events } });
  expect(set.status, set.text).toBe(200);
  await sentInvoice(trial);
  await trial.run();
  expect(await recipients(trial.mails)).toEqual([MEMBER]);
  const inbox = await owner("GET", "/notifications", { headers });
  expect(inbox.text).toContain("Invoice TEST-INV-2026-01-001 could not be delivered");
});

test("a live organization's mail leaves as before, also that of the same owner", async () => {
  const trial = await openTrial();
  const { outbox } = trial;
  await sentInvoice(outbox);
  await outbox.run();
  moveClock(1000);
  expect(await recipients(trial.mails)).toEqual([CLIENT]);
  const mail = await PostalMime.parse(trial.mails[0] ?? "");
  expect(mail.subject).toMatch(/^Invoice INV-2026-01-001 from /);
  const id: Id<"organizations"> = outbox.organizationId;
  expect(id).not.toBe(trial.organizationId);
});
