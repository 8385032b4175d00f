import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer, Request } from "../helpers/answer";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { stripeEvent } from "../helpers/webhooks";
import { invoice } from "../invoicing/books";
import { type StripeEvent, type StripeLink, StripeServer } from "./stripeServer";

/** Two organizations with Stripe accounts of their own: a real server, and Stripe's API on loopback. */
const TOTAL = 11_900;
const PROVIDER = "/organization/payment-providers/stripe";
type Provider = { endpointKey: string; webhookUrl: string };

let stripe: StripeServer;
let data: string;
let site: Site;
let first: Request;
let second: Request;
/** What was made with the deployment's key while there was one organization alone. */
let before: { id: string; link: StripeLink }[];

beforeAll(async () => {
  stripe = await StripeServer.listen();
  stripe.accounts.set("sk_test_of_the_first", "acct_first");
  stripe.accounts.set("sk_test_of_the_second", "acct_second");
  data = await mkdtemp(path.join(tmpdir(), "freehold-stripe-"));
  site = await startSite({ data, env: stripe.env });
  first = site.request;
  before = [];
  for (let turn = 0; turn < 2; turn += 1) {
    const id = await sentInvoice(first);
    before.push({ id, link: await linkOf(first, id) });
  }
  const token = site.demo.staff.sessionToken;
  const founded = await first("POST", "/tenants", { body: { name: "Second" }, token });
  const headers = { "X-Tenant-Id": founded.body.data.id };
  second = async (method, at, options = {}) =>
    await site.request(method, at, {
      token,
      ...options,
      headers: { ...headers, ...options.headers },
    });
});
afterAll(async () => {
  await site.server.kill();
  await stripe.close();
  await rm(data, { recursive: true, force: true });
});

async function sentInvoice(request: Request): Promise<string> {
  const { id } = (await request("POST", "/invoices", { body: invoice() })).body.data;
  const sent = await request("POST", `/invoices/${id}/send`, { body: { channels: [] } });
  expect(sent.status, sent.text).toBe(200);
  return id;
}

async function linkOf(request: Request, id: string): Promise<StripeLink> {
  const asked = await request("POST", `/invoices/${id}/payment-link`);
  expect(asked.status, asked.text).toBe(200);
  const isMade = ({ status }: { status: string }): boolean => status === "ready";
  const { url } = (await eventually(
    async () => (await request("GET", `/invoices/${id}/payment-link`)).body.data,
    isMade,
  )) as unknown as { url: string };
  const link = stripe.links.find((one) => one.url === url);
  if (!link) throw new Error(`Stripe knows no ${url}`);
  return link;
}

async function setUp(
  request: Request,
  secretKey: string,
  webhookSecret: string,
): Promise<Provider> {
  const answer = await request("PUT", PROVIDER, { body: { secretKey, webhookSecret } });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data as unknown as Provider;
}

async function deliver(event: StripeEvent, to: string, secret?: string): Promise<Answer> {
  const options = stripeEvent(event, secret === undefined ? {} : { secret });
  return await site.request("POST", `/webhooks/payments/stripe${to}`, options);
}

async function paidOf(request: Request, id: string): Promise<unknown> {
  return (await request("GET", `/invoices/${id}`)).body.data.customProperties["amountPaidInCents"];
}

async function isClosed(link: StripeLink): Promise<void> {
  await eventually(
    () => link.active,
    (active) => !active,
  );
}

test("a link pays the account of its own organization, and its event comes to its own address", async () => {
  const id = await sentInvoice(second);
  const without = await second("POST", `/invoices/${id}/payment-link`);
  expect(without.code).toBe("SERVICE_UNAVAILABLE");
  const { endpointKey, webhookUrl } = await setUp(second, "sk_test_of_the_second", "whsec_second");
  expect(webhookUrl).toBe(`${site.server.siteUrl}/api/v1/webhooks/payments/stripe/${endpointKey}`);
  const link = await linkOf(second, id);
  expect(link.account).toBe("acct_second");
  const { session } = stripe.pay(link);
  // Another account's secret does not sign here, nor this one's there.
  expect((await deliver(session, `/${endpointKey}`)).code).toBe("INVALID_SIGNATURE");
  expect((await deliver(session, "", "whsec_second")).code).toBe("INVALID_SIGNATURE");
  expect((await deliver(session, `/${endpointKey}`, "whsec_second")).status).toBe(200);
  expect(await paidOf(second, id)).toBe(TOTAL);
});

test("links of before, made with the deployment's key, are paid and closed as they were", async () => {
  const [one, two] = before;
  if (!one || !two) throw new Error("There are no links of before.");
  expect((await deliver(stripe.pay(one.link).session, "")).status).toBe(200);
  expect(await paidOf(first, one.id)).toBe(TOTAL);
  await setUp(first, "sk_test_of_the_first", "whsec_first");
  const anew = await linkOf(first, two.id);
  expect(anew.account).toBe("acct_first");
  await isClosed(two.link);
});

test("a key that Stripe has rolled is replaced, and the account's next key closes its links", async () => {
  const id = await sentInvoice(second);
  const link = await linkOf(second, id);
  stripe.accounts.delete("sk_test_of_the_second");
  stripe.accounts.set("sk_test_of_the_second_rolled", "acct_second");
  await setUp(second, "sk_test_of_the_second_rolled", "whsec_second");
  const cash = { amountInCents: 1900, paymentMethod: "cash" };
  expect((await second("POST", `/invoices/${id}/pay`, { body: cash })).status).toBe(200);
  await isClosed(link);
  expect((await linkOf(second, id)).amount).toBe(TOTAL - 1900);
});

test("a provider that is taken away closes its open links, and takes them off the invoices", async () => {
  const id = await sentInvoice(second);
  const link = await linkOf(second, id);
  expect((await second("DELETE", PROVIDER)).status).toBe(204);
  await isClosed(link);
  const shown = await eventually(
    async () => (await second("GET", `/invoices/${id}`)).body.data.customProperties,
    ({ paymentUrl }) => paymentUrl === undefined,
  );
  expect(shown["amountPaidInCents"]).toBe(0);
  expect((await second("GET", PROVIDER.replace(/\/stripe$/, ""))).body.data).toEqual([]);
  expect((await second("POST", `/invoices/${id}/payment-link`)).code).toBe("SERVICE_UNAVAILABLE");
});
