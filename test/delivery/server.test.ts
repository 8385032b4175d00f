// @vitest-environment node
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import PostalMime from "postal-mime";
import { afterEach, expect, test } from "vitest";
import { eventually } from "../helpers/server";
import { runInternal, type Site, startSite } from "../helpers/site";
import { invoice } from "../invoicing/books";
import { RESEND_ENV, startResend } from "./resendServer";
import { startSmtp } from "./smtpServer";

/** Invoices that a process of `npm start` sends, and kill -9 between the taking and the recording. */
const STARTS_MS = 120_000;
/** Longer than a lease. */
const LATER_MS = 6 * 60_000;

const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function newFolder(): Promise<string> {
  const data = await mkdtemp(path.join(tmpdir(), "freehold-mail-"));
  ends.push(() => rm(data, { recursive: true, force: true }));
  return data;
}

async function start(data: string, env: Record<string, string>): Promise<Site> {
  const site = await startSite({ data, env });
  ends.push(() => site.server.kill());
  return site;
}

/** The same folder once more, on a clock that has gone on by more than a lease. */
async function startLater(data: string, env: Record<string, string>): Promise<Site> {
  const source = `const now = Date.now;
    globalThis.Date = class extends Date {
      constructor(...args) { super(...(args.length === 0 ? [now() + ${LATER_MS}] : args)); }
      static now() { return now() + ${LATER_MS}; }
    };`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(source)}`;
  return await start(data, { ...env, NODE_OPTIONS });
}

type Shown = { id: string; status: string; reason: string | null };

async function send({ request }: Site): Promise<string> {
  const created = await request("POST", "/invoices", { body: invoice() });
  const path = `/invoices/${created.body.data.id}/send`;
  const sent = await request("POST", path, { body: { to: "ada@x.test" } });
  expect(sent.status, sent.text).toBe(200);
  const { notificationIds } = sent.body.data as unknown as { notificationIds: string[] };
  const [id] = notificationIds;
  return id ?? "";
}

const shown = async ({ request }: Site, id: string): Promise<Shown> =>
  (await request("GET", `/notifications/${id}`)).body.data as unknown as Shown;

const settled = async (site: Site, id: string, status: string): Promise<Shown> =>
  await eventually(
    () => shown(site, id),
    (message) => message.status === status,
    60_000,
  );

test(
  "by Resend: an invoice goes out with its PDF, and a kill repeats it under the same key",
  { timeout: STARTS_MS },
  async () => {
    const resend = await startResend();
    ends.push(resend.close);
    const data = await newFolder();
    const env = { ...RESEND_ENV, RESEND_BASE_URL: resend.url };
    const site = await start(data, env);
    expect(site.server.stdout()).not.toContain("No mail is sent");
    const first = await send(site);
    await settled(site, first, "sent");
    const [taken] = resend.taken;
    expect(taken?.key).toBe(first);
    const [pdf] = taken?.email.attachments ?? [];
    expect(pdf?.filename).toMatch(/^INV-.*\.pdf$/);
    expect(
      Buffer.from(pdf?.content ?? "", "base64")
        .subarray(0, 4)
        .toString(),
    ).toBe("%PDF");

    resend.faults.push("taken, then silence");
    const second = await send(site);
    await eventually(
      () => resend.taken,
      (messages) => messages.length === 2,
      60_000,
    );
    await site.server.kill();
    const later = await startLater(data, env);
    await runInternal(later, "mutation", "delivery/queue:recover", {});
    await settled(later, second, "sent");
    expect(resend.requests).toBe(3);
    expect(resend.taken.map(({ key }) => key)).toEqual([first, second]);
  },
);

test(
  "by SMTP: an invoice goes out with its PDF, and a kill leaves it unknown, not repeated",
  { timeout: STARTS_MS },
  async () => {
    const smtp = await startSmtp();
    ends.push(smtp.close);
    const data = await newFolder();
    const env = { SMTP_URL: smtp.url, EMAIL_FROM: "mail@studio.test" };
    const site = await start(data, env);
    const first = await send(site);
    await settled(site, first, "sent");
    const mail = await PostalMime.parse(smtp.mails[0] ?? "");
    const [pdf] = mail.attachments;
    expect(pdf?.mimeType).toBe("application/pdf");
    expect(
      Buffer.from(pdf?.content as ArrayBuffer)
        .subarray(0, 4)
        .toString(),
    ).toBe("%PDF");

    smtp.fault = "silent after the message";
    const second = await send(site);
    await eventually(
      () => smtp.mails,
      (messages) => messages.length === 2,
      60_000,
    );
    await site.server.kill();
    smtp.fault = "none";
    const later = await startLater(data, env);
    await runInternal(later, "mutation", "delivery/queue:recover", {});
    const { reason } = await settled(later, second, "unknown");
    expect(reason).toContain("interrupted");
    const listed = await later.request("GET", "/notifications?channel=email&status=unknown");
    expect(listed.body.data).toMatchObject([{ id: second }]);
    expect(smtp.mails).toHaveLength(2);
  },
);

test(
  "without a provider npm start says so, and the letter can be read",
  async () => {
    const site = await start(await newFolder(), {});
    expect(site.server.stdout()).toContain("No mail is sent: RESEND_API_KEY or SMTP_URL");
    const id = await send(site);
    expect(await shown(site, id)).toMatchObject({
      status: "queued",
      reason: "No e-mail provider is set up: RESEND_API_KEY or SMTP_URL.",
      text: expect.stringContaining("invoice INV-") as string,
    });
  },
  STARTS_MS,
);
