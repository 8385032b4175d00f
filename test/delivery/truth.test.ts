// @vitest-environment node
import PostalMime from "postal-mime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { queueEmail } from "../../convex/delivery/queueEmail";
import { invoice } from "../invoicing/books";
import { moveClock, openOutbox, type Outbox } from "./outbox";
import { type MailServer, startSmtp } from "./smtpServer";

/** A message says what is true when it is sent, however long ago it was queued. */
const DAY = 24 * 60 * 60 * 1000;
const MINUTE = 60_000;
let smtp: MailServer;
let outbox: Outbox;

beforeEach(async () => {
  smtp = await startSmtp();
  smtp.fault = "not now";
  outbox = await openOutbox({
    SMTP_URL: smtp.url,
    EMAIL_FROM: "mail@studio.test",
    RESEND_API_KEY: "",
  });
  await receiptsAre(false);
});
afterEach(async () => {
  await smtp.close();
});

async function receiptsAre(paymentReceipts: boolean): Promise<void> {
  const set = await outbox.request("PATCH", "/organization", { body: { paymentReceipts } });
  expect(set.status, set.text).toBe(200);
}

async function post(path: string, body: object = {}): Promise<Record<string, unknown>> {
  const answer = await outbox.request("POST", path, { body });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body.data as unknown as Record<string, unknown>;
}

type Queued = { id: Id<"objects">; message: Id<"notifications"> };

function queuedOf(answer: Record<string, unknown>): Queued {
  const [message] = answer["notificationIds"] as Id<"notifications">[];
  if (!message) throw new Error("Nothing was queued.");
  return { id: answer["id"] as Id<"objects">, message };
}

async function sent(fields: Record<string, unknown> = {}, how: object = {}): Promise<Queued> {
  const { id } = await post("/invoices", invoice(fields));
  return queuedOf(await post(`/invoices/${String(id)}/send`, { to: "ada@x.test", ...how }));
}

async function reminded(level: number): Promise<Queued> {
  const at = Date.now();
  const { id } = await post(
    "/invoices",
    invoice({ issueDate: at - 40 * DAY, dueDate: at - 20 * DAY }),
  );
  await post(`/invoices/${String(id)}/send`, { channels: [] });
  return queuedOf(await post(`/invoices/${String(id)}/remind`, { to: "ada@x.test", level }));
}

const pay = async ({ id }: Queued, amountInCents?: number): Promise<void> => {
  const amount = amountInCents === undefined ? {} : { amountInCents };
  await post(`/invoices/${id}/pay`, { paymentMethod: "bank_transfer", ...amount });
};

/** The mail server answers again; what waits is tried. */
async function afterwards({ message }: Queued): Promise<Doc<"notifications">> {
  smtp.fault = "none";
  moveClock(MINUTE);
  await outbox.run();
  return await outbox.message(message);
}

/** The mails that arrived about something, as a person reads them. */
async function read(): Promise<{ subject: string; text: string; files: number }[]> {
  const mails = await Promise.all(smtp.mails.map((mail) => PostalMime.parse(mail)));
  return mails.map(({ subject, text, attachments }) => ({
    ...{ subject: subject ?? "", text: text ?? "" },
    files: attachments.length,
  }));
}

test("a last reminder of what was paid, and of what was cancelled, meanwhile is withdrawn", async () => {
  const paid = await reminded(3);
  const cancelled = await reminded(3);
  await outbox.run();
  expect(await outbox.message(paid.message)).toMatchObject({
    status: "queued",
    attempts: [{ provider: "smtp", status: 421 }],
  });
  await pay(paid);
  await post(`/invoices/${cancelled.id}/cancel`);
  expect(await afterwards(paid)).toMatchObject({
    status: "cancelled",
    cancelReason: "The invoice is paid: nobody is reminded of it.",
  });
  expect((await outbox.message(cancelled.message)).status).toBe("cancelled");
  expect(smtp.mails).toHaveLength(0);
  const listed = await outbox.request("GET", "/notifications?channel=email&status=cancelled");
  expect(listed.body.data.map(({ id }) => id).sort()).toEqual(
    [paid.message, cancelled.message].sort(),
  );
  const [shown] = listed.body.data as unknown as { cancelReason: string }[];
  expect(shown?.cancelReason).toContain("nobody is reminded of it");
});

test("a withdrawn reminder is withdrawn though the mail server stays away", async () => {
  const reminder = await reminded(2);
  await outbox.run();
  await pay(reminder);
  moveClock(MINUTE);
  await outbox.run();
  expect((await outbox.message(reminder.message)).status).toBe("cancelled");
});

test("a reminder asks for what is left after a part payment, in its letter and its PDF", async () => {
  const reminder = await reminded(2);
  await outbox.run();
  await pay(reminder, 10_000);
  expect((await afterwards(reminder)).status).toBe("sent");
  const [mail] = await read();
  expect(mail?.text).toContain("Open amount: €19.00");
  expect(mail?.text).not.toContain("119.00");
  expect(mail?.files).toBe(1);
});

test("an invoice that was paid meanwhile leaves, and says so in place of asking for money", async () => {
  const queued = await sent({}, { message: "As agreed." });
  await outbox.run();
  await pay(queued);
  expect((await afterwards(queued)).status).toBe("sent");
  const [mail] = await read();
  expect(mail?.text).toContain("It has been paid: nothing is left to pay.");
  expect(mail?.text).toContain("Open amount: €0.00");
  expect(mail?.text).toContain("Paid on: November 20, 2026");
  expect(mail?.text).toContain("As agreed.");
  expect(mail?.text).not.toContain("Due date");
  expect(mail?.files).toBe(1);
});

test("the same in German; a part payment is named, and a credit is no payment", async () => {
  const whole = await sent({}, { language: "de" });
  const part = await sent({}, { language: "de" });
  const credited = await sent({}, { language: "de" });
  await outbox.run();
  await pay(whole);
  await pay(part, 10_000);
  await post(`/invoices/${credited.id}/write-off`, { reason: "Goodwill" });
  await afterwards(whole);
  const texts = (await read()).map(({ text }) => text);
  expect(texts).toHaveLength(3);
  const saying = (words: string): number => texts.filter((text) => text.includes(words)).length;
  expect(saying("Sie ist bereits bezahlt: es ist nichts mehr offen.")).toBe(1);
  expect(saying("offen sind noch 19,00")).toBe(1);
  expect(saying("Sie ist ausgeglichen: es ist nichts mehr offen.")).toBe(1);
  expect(saying("Fällig am")).toBe(1);
});

test("an invoice that was cancelled meanwhile does not leave, and bothers nobody", async () => {
  const queued = await sent();
  await outbox.run();
  await post(`/invoices/${queued.id}/cancel`);
  expect(await afterwards(queued)).toMatchObject({
    status: "cancelled",
    cancelReason: "The invoice was cancelled.",
  });
  const { organizationId, backend } = outbox;
  await backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
  const events = await backend.run(async ({ db }) => await db.query("events").collect());
  expect(events.map(({ type }) => type)).not.toContain("invoice.undelivered");
});

test("a quote that is over is not offered any more; one that was accepted says so", async () => {
  const quote = async (): Promise<Queued> => {
    const { issueDate: _issued, dueDate: _due, ...fields } = invoice();
    const { id } = await post("/quotes", fields);
    return queuedOf(await post(`/quotes/${String(id)}/send`, { to: "ada@x.test" }));
  };
  const declined = await quote();
  const accepted = await quote();
  await outbox.run();
  await post(`/quotes/${declined.id}/decline`);
  await post(`/quotes/${accepted.id}/accept`);
  expect((await afterwards(declined)).status).toBe("cancelled");
  expect((await read()).map(({ text }) => text.includes("which you have accepted"))).toEqual([
    true,
  ]);
});

test("a receipt for what was refunded meanwhile is withdrawn", async () => {
  const { organizationId, backend } = outbox;
  await receiptsAre(true);
  const invoiced = await sent({ billTo: { name: "Ada", email: "ada@x.test" } }, {});
  await pay(invoiced);
  await backend.mutation(internal.delivery.dispatcher.dispatch, { organizationId });
  await outbox.run();
  await pay(invoiced, -11_900);
  await afterwards(invoiced);
  const rows = await backend.run(async ({ db }) => await db.query("notifications").collect());
  const mails = rows.filter(({ channel }) => channel === "email");
  const statuses = mails.map(({ template, status }) => `${template} ${status}`).sort();
  expect(statuses).toEqual(["invoice sent", "receipt cancelled"]);
});

test("what waits for a person who is erased does not leave, and keeps nothing of them", async () => {
  const contact = await outbox.request("POST", "/crm/contacts", {
    body: { firstName: "Ada", lastName: "Lovelace", email: "ada@x.test" },
  });
  const { contactId } = contact.body;
  const queued = await sent({ billTo: { contactId, name: "Ada Lovelace", email: "ada@x.test" } });
  await outbox.run();
  const erased = await outbox.request("POST", `/crm/contacts/${contactId}/erase`);
  expect(erased.status, erased.text).toBeLessThan(300);
  // Whether or not the job that blanks it has come to it.
  const gone = await afterwards(queued);
  expect(gone).toMatchObject({ status: "cancelled", cancelReason: "The person was erased." });
  expect(smtp.mails).toHaveLength(0);
  expect(JSON.stringify(gone)).not.toContain("Ada");
});

test("an invite that was revoked meanwhile does not leave, nor one that a later one replaced", async () => {
  const { organizationId, backend } = outbox;
  const expiresAt = Date.now() + DAY;
  const invited = async (secretExpiresAt: number): Promise<Id<"memberships">> =>
    await backend.run(async (ctx) => {
      const address = { email: "grace@x.test", emailKey: "grace@x.test" };
      const membershipId = await ctx.db.insert("memberships", {
        ...{ organizationId, role: "member" as const, status: "invited" as const },
        invite: { ...address, invitedBy: "ada", tokenHash: String(secretExpiresAt), expiresAt },
        createdAt: Date.now(),
      });
      await queueEmail(ctx, {
        ...{ organizationId, membershipId, template: "invite", to: address.email },
        language: "en",
        data: { organization: "Studio", recipient: "", inviter: "Ada" },
        secretLink: { url: "https://x.test/#token=1", expiresAt: secretExpiresAt },
      });
      return membershipId;
    });
  const revoked = await invited(expiresAt);
  await invited(expiresAt - 1);
  await outbox.run();
  await backend.run(async ({ db }) => {
    await db.delete("memberships", revoked);
  });
  await invited(expiresAt);
  smtp.fault = "none";
  moveClock(MINUTE);
  await outbox.run();
  const rows = await backend.run(async ({ db }) => await db.query("notifications").collect());
  expect(rows.map(({ status, cancelReason }) => cancelReason ?? status)).toEqual([
    "The invite was revoked.",
    "A later invite has taken its place.",
    "sent",
  ]);
  expect(smtp.mails).toHaveLength(1);
});

test("what changes between the making of the PDF and the attempt is in neither of them stale", async () => {
  smtp.fault = "none";
  const reminder = await reminded(2);
  const { backend } = outbox;
  const attempt = { notificationId: reminder.message, attempt: 0 };
  const before = await backend.mutation(internal.delivery.queue.prepare, attempt);
  if (!before) throw new Error("There is nothing to prepare.");
  await pay(reminder, 10_000);
  const { basis } = before;
  expect(await backend.mutation(internal.delivery.queue.begin, { ...attempt, basis })).toBe(
    "changed",
  );
  expect((await outbox.message(reminder.message)).attempts).toEqual([]);
  await outbox.run();
  expect((await read())[0]?.text).toContain("Open amount: €19.00");
});
