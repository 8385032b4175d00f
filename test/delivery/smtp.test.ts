// @vitest-environment node
import PostalMime from "postal-mime";
import { Webhook } from "standardwebhooks";
import { afterEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import { moveClock, openOutbox, type Outbox } from "./outbox";
import { type SmtpFault, startSmtp } from "./smtpServer";

/** Mail to a real SMTP server, and what a provider reports of it. */
let stop: () => Promise<void> = async () => undefined;

afterEach(async () => {
  await stop();
});

async function withSmtp(fault: SmtpFault = "none"): Promise<{ outbox: Outbox; mails: string[] }> {
  const server = await startSmtp();
  server.fault = fault;
  stop = server.close;
  const outbox = await openOutbox({
    SMTP_URL: server.url,
    EMAIL_FROM: "mail@studio.test",
    RESEND_API_KEY: "",
    RESEND_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  });
  return { outbox, mails: server.mails };
}

test("the message that arrives parses: sender, subject, plain text and HTML, escaped", async () => {
  const { outbox, mails } = await withSmtp();
  const data = { organization: "Test Studio", recipient: "<b>Żółć</b>", inviter: "Mo" };
  const id = await outbox.queue({ data });
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("sent");
  const mail = await PostalMime.parse(mails[0] ?? "");
  expect(mail).toMatchObject({
    from: { name: "Test Studio", address: "mail@studio.test" },
    to: [{ address: "ada@x.test" }],
    subject: "Mo invites you to Test Studio",
  });
  expect(mail.text).toContain("Hello <b>Żółć</b>,");
  expect(mail.html).toContain("Hello &lt;b&gt;Żółć&lt;/b&gt;,");
});

test("a message whose taking nobody confirmed is unknown, and not repeated", async () => {
  const { outbox, mails } = await withSmtp("hangs up after the message");
  const id = await outbox.queue();
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("unknown");
  await outbox.run();
  expect(mails).toHaveLength(1);
});

test("a message whose sender was killed is unknown when its lease is over, though SMTP is there", async () => {
  const { outbox, mails } = await withSmtp();
  const { backend } = outbox;
  const id = await outbox.queue();
  const begun = { notificationId: id, attempt: 0 };
  expect(await backend.mutation(internal.delivery.queue.begin, begun)).not.toBeNull();
  const recovered = async (): Promise<number> =>
    (await backend.mutation(internal.jobs.recovery.recover, { kind: "message" })).interrupted;
  expect(await recovered()).toBe(0);
  expect((await outbox.message(id)).status).toBe("sending");
  moveClock(6 * 60_000);
  expect(await recovered()).toBe(1);
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({
    status: "unknown",
    reason: expect.stringContaining("interrupted") as string,
  });
  expect(mails).toHaveLength(0);
});

test("a mailbox that does not exist ends mail to it, until a person lifts that", async () => {
  const { outbox, mails } = await withSmtp("no such mailbox");
  const { request } = outbox;
  const body = { firstName: "Ada", email: "ada@x.test" };
  const { contactId } = (await request("POST", "/crm/contacts", { body })).body;
  const id = await outbox.queue();
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("bounced");
  const shown = await request("GET", `/crm/contacts/${contactId}`);
  expect(shown.text).toContain('"emailStatus":"bounced"');
  const again = await outbox.queue();
  expect(await outbox.message(again)).toMatchObject({
    status: "failed",
    reason: "suppressed: bounced",
  });
  const [suppression] = (await request("GET", "/notifications/suppressions")).body.data;
  const path = `/notifications/suppressions/${suppression?.id ?? ""}`;
  expect((await request("DELETE", path)).status).toBe(204);
  const lifted = await request("GET", `/crm/contacts/${contactId}`);
  expect(lifted.text).toContain('"emailStatus":null');
  expect(mails).toHaveLength(0);
});

test("events of the provider move a status forward only, signed and once", async () => {
  const { outbox } = await withSmtp();
  const id = await outbox.queue();
  await outbox.run();
  const report = async (event: string, type: string, secret: string): Promise<number> => {
    const payload = JSON.stringify({ type, data: { tags: { notification_id: id } } });
    const at = new Date();
    const answer = await outbox.backend.fetch("/api/v1/webhooks/resend", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "svix-id": event,
        "svix-timestamp": String(Math.floor(at.getTime() / 1000)),
        "svix-signature": new Webhook(secret).sign(event, at, payload),
      },
      body: payload,
    });
    return answer.status;
  };
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  expect(await report("e1", "email.delivered", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).toBe(401);
  expect(await report("e1", "email.delivered", secret)).toBe(200);
  expect(await report("e0", "email.sent", secret)).toBe(200);
  expect(await report("e1", "email.delivered", secret)).toBe(200);
  expect((await outbox.message(id)).status).toBe("delivered");
  expect(await report("e2", "email.bounced", secret)).toBe(200);
  expect((await outbox.message(id)).status).toBe("bounced");
});

test.each(["x<a@b.c>", "a@b..c"])(
  "a message that an earlier version queued to %s fails, says why, and asks no mail server",
  async (to) => {
    const { outbox, mails } = await withSmtp();
    const id = await outbox.queue({ to });
    await outbox.run();
    const { status, attempts } = await outbox.message(id);
    expect(status).toBe("failed");
    expect(attempts.at(-1)?.error).toContain("is not one e-mail address");
    expect(mails).toEqual([]);
  },
);
