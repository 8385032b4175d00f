// @vitest-environment node
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import PostalMime from "postal-mime";
import { afterEach, expect, test } from "vitest";
import { clockAhead, eventually } from "../helpers/server";
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

/** The same folder once more, on a clock that has gone on by so many leases, and more. */
async function startLater(
  data: string,
  env: Record<string, string>,
  leases: number,
): Promise<Site> {
  return await start(data, { ...env, ...clockAhead(leases * LATER_MS) });
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

const startsWith = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, 4)).toString();

/** Made several times over, a PDF is kept once, and all who asked get that one. */
async function sameFileForAllAtOnce({ request, server, demo }: Site): Promise<void> {
  const { id } = (await request("POST", "/invoices", { body: invoice() })).body.data;
  const headers = { Authorization: `Bearer ${demo.apiKey}` };
  const bodies = await Promise.all(
    [1, 2, 3].map(async () => {
      const response = await fetch(`${server.siteUrl}/api/v1/invoices/${id}/pdf`, { headers });
      return Buffer.from(await response.arrayBuffer());
    }),
  );
  for (const body of bodies) expect(startsWith(body)).toBe("%PDF");
  for (const body of bodies) expect(bodies[0]?.equals(body)).toBe(true);
}

/** One folder through three processes, since a start is what costs time here. */
test(
  "an invoice goes out with its PDF; after a kill SMTP's is unknown, Resend's repeated by its key",
  { timeout: STARTS_MS },
  async () => {
    const smtp = await startSmtp();
    ends.push(smtp.close);
    const resend = await startResend();
    ends.push(resend.close);
    const data = await newFolder();

    const bySmtp = await start(data, { SMTP_URL: smtp.url, EMAIL_FROM: "mail@studio.test" });
    expect(bySmtp.server.stdout()).not.toContain("No mail is sent");
    await sameFileForAllAtOnce(bySmtp);
    await settled(bySmtp, await send(bySmtp), "sent");
    const mail = await PostalMime.parse(smtp.mails[0] ?? "");
    const [attached] = mail.attachments;
    expect(attached?.mimeType).toBe("application/pdf");
    expect(startsWith(new Uint8Array(attached?.content as ArrayBuffer))).toBe("%PDF");
    smtp.fault = "silent after the message";
    const unconfirmed = await send(bySmtp);
    await eventually(
      () => smtp.mails,
      (messages) => messages.length === 2,
      60_000,
    );
    await bySmtp.server.kill();
    smtp.fault = "none";

    const env = { ...RESEND_ENV, RESEND_BASE_URL: resend.url };
    const byResend = await startLater(data, env, 1);
    await runInternal(byResend, "mutation", "jobs/recovery:recover", { kind: "message" });
    expect((await settled(byResend, unconfirmed, "unknown")).reason).toContain("interrupted");
    const listed = await byResend.request("GET", "/notifications?channel=email&status=unknown");
    expect(listed.body.data).toMatchObject([{ id: unconfirmed }]);
    const first = await send(byResend);
    await settled(byResend, first, "sent");
    expect(resend.taken.map(({ key }) => key)).toEqual([first]);
    const [pdf] = resend.taken[0]?.email.attachments ?? [];
    expect(pdf?.filename).toMatch(/^INV-.*\.pdf$/);
    expect(startsWith(Buffer.from(pdf?.content ?? "", "base64"))).toBe("%PDF");
    resend.faults.push("taken, then silence");
    const second = await send(byResend);
    await eventually(
      () => resend.taken,
      (messages) => messages.length === 2,
      60_000,
    );
    await byResend.server.kill();

    const later = await startLater(data, env, 2);
    await runInternal(later, "mutation", "jobs/recovery:recover", { kind: "message" });
    await settled(later, second, "sent");
    expect(resend.requests).toBe(3);
    expect(resend.taken.map(({ key }) => key)).toEqual([first, second]);
    expect(smtp.mails).toHaveLength(2);
  },
);
