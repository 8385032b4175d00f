// @vitest-environment node
import PostalMime from "postal-mime";
import { afterEach, beforeEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import { moveClock } from "../delivery/outbox";
import { type MailServer, startSmtp } from "../delivery/smtpServer";
import { type Mails, openMails, TOKEN } from "./mails";

/** Letters about accounts at a real mail server, which knows no keys. */
let smtp: MailServer;
let mails: Mails;

beforeEach(async () => {
  smtp = await startSmtp();
  mails = await openMails({ SMTP_URL: smtp.url, EMAIL_FROM: '"Studio: Süd" <mail@studio.test>' });
});
afterEach(async () => {
  await smtp.close();
});

test("the letter that arrives parses: sender, reader, link in text and HTML, escaped", async () => {
  await mails.change({ name: "<b>Żółć</b>" });
  await mails.reset();
  await mails.run();
  const mail = await PostalMime.parse(smtp.mails[0] ?? "");
  expect(mail).toMatchObject({
    from: { name: "Studio: Süd", address: "mail@studio.test" },
    to: [{ address: "ada@x.test" }],
    subject: "Choose a new password",
  });
  expect(mail.text).toContain(`https://app.test/reset-password#token=${TOKEN}`);
  expect(mail.html).toContain(`href="https://app.test/reset-password#token=${TOKEN}"`);
  expect(mail.html).toContain("Hello &lt;b&gt;Żółć&lt;/b&gt;,");
});

test("a letter to an address in another script arrives, and greets whose it is by any spelling", async () => {
  const email = "żółć@bücher.example";
  await mails.change({ email, emailKey: "żółć@xn--bcher-kva.example" });
  await mails.reset({ to: email });
  await mails.run();
  const mail = await PostalMime.parse(smtp.mails[0] ?? "");
  expect(mail.to).toMatchObject([{ address: email }]);
  expect(mail.text).toContain("Hello Ada,");
});

test("a letter whose taking nobody confirmed is unknown, and not repeated", async () => {
  smtp.fault = "hangs up after the message";
  const id = await mails.reset();
  await mails.run();
  moveClock(10 * 60_000);
  await mails.sweep();
  expect(smtp.mails).toHaveLength(1);
  expect(await mails.listed("unknown")).toMatchObject([{ id, attempts: 1 }]);
});

test("a letter whose sender was killed while it was asked for is unknown, and not repeated", async () => {
  const { SMTP_URL } = process.env;
  process.env.SMTP_URL = "";
  const id = await mails.reset();
  process.env.SMTP_URL = SMTP_URL;
  const { backend } = mails;
  await backend.run(async ({ db }) => {
    const job = { state: "running" as const, at: Date.now() + 60_000, attempts: 0, lease: 1 };
    await db.patch("accountMails", id, { job });
  });
  const attempt = { mailId: id, lease: 1, provider: "smtp" as const };
  expect(await backend.mutation(internal.accounts.mailQueue.begin, attempt)).not.toBeNull();
  moveClock(6 * 60_000);
  await mails.sweep();
  expect(smtp.mails).toEqual([]);
  const lastError = "The sender was interrupted; it may have been sent.";
  expect(await mails.listed("unknown")).toMatchObject([{ id, lastError }]);
});

test("a server that is away is asked again later", async () => {
  smtp.fault = "not now";
  const id = await mails.reset();
  await mails.run();
  expect((await mails.mail(id)).job).toMatchObject({ state: "queued", attempts: 1 });
  smtp.fault = "none";
  moveClock(60_000);
  await mails.run();
  expect(smtp.mails).toHaveLength(1);
});
