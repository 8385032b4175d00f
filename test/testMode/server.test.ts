// @vitest-environment node
import PostalMime from "postal-mime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSmtp, type MailServer } from "../delivery/smtpServer";
import type { Request } from "../helpers/answer";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { created, invoice, shown } from "../invoicing/books";
import { Receiver } from "../webhooks/receiver";

/** A test organization beside a live one, from outside: a process of `npm start`, mail over SMTP. */
const CLIENT = "ada@x.test";
let site: Site;
let smtp: MailServer;
let receiver: Receiver;
let trial: Request;
let member: string;

beforeAll(async () => {
  smtp = await startSmtp();
  receiver = await Receiver.listen();
  site = await startSite({
    env: { SMTP_URL: smtp.url, EMAIL_FROM: "mail@studio.test", WEBHOOK_ALLOW_PRIVATE: "true" },
  });
  const { staff } = site.demo;
  member = staff.email;
  const token = staff.sessionToken;
  const body = { name: "Trial Studio", mode: "test" };
  const founded = await site.request("POST", "/tenants", { token, body });
  expect(founded.body.data).toMatchObject({ mode: "test", role: "owner" });
  const headers = { "X-Tenant-Id": founded.body.data.id };
  const key = { name: "Suite", scopes: ["*"] };
  const made = await site.request("POST", "/api-keys", { token, headers, body: key });
  const { key: testKey } = made.body.data;
  expect(testKey).toMatch(/^fh_test_/);
  trial = async (method, path, options = {}) =>
    await site.request(method, path, { token: testKey, ...options });
});

afterAll(async () => {
  await site.server.remove();
  await smtp.close();
  await receiver.close();
});

type Shown = { status: string; reason: string | null };

async function send(request: Request, to: string): Promise<{ name: string; message: Shown }> {
  const { id, name } = created(await request("POST", "/invoices", { body: invoice() }));
  const sent = shown(await request("POST", `/invoices/${id}/send`, { body: { to } }));
  const [first] = (sent as unknown as { notificationIds: string[] }).notificationIds;
  const message = await eventually(
    async () => (await request("GET", `/notifications/${first ?? ""}`)).body.data,
    ({ status }) => status === "sent" || status === "failed",
    60_000,
  );
  return { name, message: message as unknown as Shown };
}

async function recipients(): Promise<(string | undefined)[]> {
  const mails = await Promise.all(smtp.mails.map((mail) => PostalMime.parse(mail)));
  return mails.flatMap(({ to = [] }) => to.map(({ address }) => address));
}

test("its mail reaches its member and nobody else, and the live one's its client", async () => {
  expect(await send(trial, CLIENT)).toEqual({
    name: "TEST-INV-2026-01-001",
    message: expect.objectContaining({
      status: "failed",
      reason: "suppressed: test mode",
    }) as Shown,
  });
  const own = await send(trial, member);
  expect(own).toMatchObject({ name: "TEST-INV-2026-01-002", message: { status: "sent" } });
  const live = await send(site.request, CLIENT);
  expect(live).toMatchObject({ name: "INV-2026-01-001", message: { status: "sent" } });
  expect(await recipients()).toEqual([member, CLIENT]);
});

test("its webhooks say so, a live one's are as they were", async () => {
  for (const [request, path] of [
    [trial, "/trial"],
    [site.request, "/live"],
  ] as const) {
    const body = { url: receiver.url + path, events: ["contact.created"] };
    const { id } = (await request("POST", "/webhooks", { body })).body.data;
    await request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    await request("POST", `/webhooks/${id}/test`);
    const received = await eventually(
      () => receiver.at(path),
      (all) => all.length === 2,
    );
    for (const { message } of received) {
      if (path === "/trial") expect(message).toMatchObject({ mode: "test" });
      else expect(message).not.toHaveProperty("mode");
    }
  }
});

test("its key opens nothing of the live one, and the live one gives no test keys", async () => {
  const { organizationId } = site.demo;
  const headers = { "X-Tenant-Id": organizationId };
  expect((await trial("GET", "/crm/contacts", { headers })).status).toBe(403);
  expect((await trial("GET", `/tenants/${organizationId}`)).status).toBe(404);
  const key = { name: "k", scopes: ["crm:read"], mode: "test" };
  expect(await site.request("POST", "/api-keys", { body: key })).toMatchObject({
    status: 409,
    code: "CONFLICT",
  });
});
