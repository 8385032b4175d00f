import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer } from "../helpers/answer";
import { eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { stripeEvent } from "../helpers/webhooks";
import { invoice } from "../invoicing/books";
import { type StripeEvent, type StripeLink, StripeServer } from "./stripeServer";

/** From the payment link to the paid invoice: a real server, and Stripe's API on loopback. */
const TOTAL = 11_900;
let stripe: StripeServer;
let data: string;
let site: Site;

async function start(): Promise<void> {
  site = await startSite({ data, env: stripe.env });
}

beforeAll(async () => {
  stripe = await StripeServer.listen();
  data = await mkdtemp(path.join(tmpdir(), "freehold-stripe-"));
  await start();
});
afterAll(async () => {
  const { body } = await site.request("GET", "/integrity");
  expect(body.data).toMatchObject({ differences: [] });
  await site.server.kill();
  await stripe.close();
  await rm(data, { recursive: true, force: true });
});

async function post(at: string, body: object = {}): Promise<Answer> {
  return await site.request("POST", at, { body });
}

async function sentInvoice(): Promise<string> {
  const { id } = (await post("/invoices", invoice())).body.data;
  expect((await post(`/invoices/${id}/send`, { channels: [] })).status).toBe(200);
  return id;
}

type State = { status: string; paid: unknown; url: unknown };

async function state(id: string): Promise<State> {
  const { status, customProperties } = (await site.request("GET", `/invoices/${id}`)).body.data;
  const { amountPaidInCents: paid, paymentUrl: url } = customProperties;
  return { status, paid, url };
}

async function amounts(id: string): Promise<unknown[]> {
  const { body } = await site.request("GET", `/invoices/${id}/payments`);
  return body.data.map(({ customProperties }) => customProperties["amountInCents"]);
}

/** Asks for a link and waits until its address stands on the invoice. */
async function linkOf(id: string): Promise<StripeLink> {
  const asked = await post(`/invoices/${id}/payment-link`);
  expect(asked.status, asked.text).toBe(200);
  const { url } = await eventually(
    () => state(id),
    (now) => typeof now.url === "string",
  );
  const link = stripe.links.find((one) => one.url === url);
  if (!link) throw new Error(`Stripe knows no ${String(url)}`);
  return link;
}

/** Signed by Stripe's own package. */
async function deliver(event: StripeEvent): Promise<Answer> {
  return await site.request("POST", "/webhooks/payments/stripe", stripeEvent(event));
}

function linksFor(id: string): StripeLink[] {
  return stripe.links.filter(({ metadata }) => metadata["invoiceId"] === id);
}

test("a link is made for what is open, and its payment is the invoice's, once", async () => {
  const id = await sentInvoice();
  const [link, again] = [await linkOf(id), await linkOf(id)];
  expect(again).toBe(link);
  expect(link).toMatchObject({ amount: TOTAL, currency: "eur", limit: 1, active: true });
  const named = { invoiceId: id, organizationId: site.demo.organizationId };
  expect(link.metadata).toMatchObject({ ...named, invoiceNumber: link.productName });
  expect(link.intentMetadata).toEqual(link.metadata);

  const { session, intent } = stripe.pay(link);
  const answers = await Promise.all([session, intent, session, intent, session].map(deliver));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(await amounts(id)).toEqual([TOTAL]);
  // What is paid is taken off the invoice and off Stripe.
  await eventually(
    () => link.active,
    (isActive) => !isActive,
  );
  expect(await state(id)).toMatchObject({ status: "paid", paid: TOTAL, url: undefined });
  expect((await post(`/invoices/${id}/payment-link`)).code).toBe("INVALID_STATE");
});

test("a link whose answer is lost is asked for again under its key, and made once", async () => {
  const id = await sentInvoice();
  const from = stripe.requests.length;
  stripe.faults.push("taken, no answer");
  await linkOf(id);
  const keys = stripe.requests.slice(from).map(({ key }) => key);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(linksFor(id)).toHaveLength(1);
});

test("a link that Stripe refuses says why, and can be asked for anew", async () => {
  const id = await sentInvoice();
  const message = "Amount must convert to at least 50 cents.";
  stripe.faults.push({ status: 400, type: "invalid_request_error", message });
  await post(`/invoices/${id}/payment-link`);
  const shown = await eventually(
    async () => (await site.request("GET", `/invoices/${id}/payment-link`)).body.data,
    ({ status }) => status === "failed",
  );
  expect(shown).toMatchObject({ error: message, url: null });
  await linkOf(id);
});

test("a part that is paid otherwise closes the link; the next is for the rest", async () => {
  const id = await sentInvoice();
  const first = await linkOf(id);
  await post(`/invoices/${id}/pay`, { amountInCents: 1900, paymentMethod: "cash" });
  await eventually(
    () => first.active,
    (isActive) => !isActive,
  );
  const rest = await linkOf(id);
  expect(rest.amount).toBe(TOTAL - 1900);
  await deliver(stripe.pay(rest).intent);
  expect(await state(id)).toMatchObject({ status: "paid", paid: TOTAL });
});

test("killed between and within the events, in the wrong order and repeated, the books are right", async () => {
  const id = await sentInvoice();
  const { session, intent, refund } = stripe.pay(await linkOf(id));
  expect((await deliver(refund)).status).toBe(200);
  await site.server.kill();
  await start();
  // Stripe gets no answer to some of these, and sends them again.
  const lost = [intent, session].map(async (event) => await deliver(event).catch(() => null));
  await Promise.race(lost);
  await site.server.kill();
  await Promise.all(lost);
  await start();
  for (const event of [session, refund, intent, session]) {
    expect((await deliver(event)).status).toBe(200);
  }
  expect((await amounts(id)).sort()).toEqual([-TOTAL, TOTAL]);
  expect(await state(id)).toMatchObject({ status: "overdue", paid: 0 });
  expect((await site.request("GET", "/payments/unmatched")).body.data).toEqual([]);
  const events = (await site.request("GET", "/webhooks/incoming?provider=stripe")).body.data;
  const ids = (events as unknown as { eventId: string }[]).map(({ eventId }) => eventId);
  for (const { id: eventId } of [session, intent]) {
    expect(ids.filter((one) => one === eventId)).toHaveLength(1);
  }
});
