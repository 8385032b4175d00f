import { afterAll, beforeAll, expect, test } from "vitest";
import { clockAhead, eventually } from "../helpers/server";
import { type Site, startSite } from "../helpers/site";
import { invoice } from "../invoicing/books";
import { StripeServer } from "../payments/stripeServer";
import { Receiver, verify } from "./receiver";

/** kill -9 while a delivery, and a request to Stripe, are under way: the lease of each has run out. */
const LEASES_ARE_OVER = 2 * 60_000;
const WITHIN_MS = 60_000;
let stripe: StripeServer;
let receiver: Receiver;
let site: Site;

beforeAll(async () => {
  stripe = await StripeServer.listen();
  receiver = await Receiver.listen();
  site = await startSite({ env: env() });
});
afterAll(async () => {
  await site.server.remove();
  await receiver.close();
  await stripe.close();
});

const env = (): Record<string, string> => ({ WEBHOOK_ALLOW_PRIVATE: "true", ...stripe.env });

type Attempted = { status: string; attempts: { status?: number; error?: string }[] };

test(
  "killed in the middle, a delivery comes again under its id, and a payment link is made once",
  { timeout: 120_000 },
  async () => {
    const post = async (at: string, body: object = {}) =>
      (await site.request("POST", at, { body })).body.data as unknown as {
        id: string;
        secret: string;
      };
    const hook = await post("/webhooks", { url: `${receiver.url}/a`, events: ["contact.created"] });
    receiver.on("/a", (_, response) => {
      if (receiver.at("/a").length > 1) response.writeHead(204).end();
    });
    stripe.faults.push("taken, hangs");
    const { id } = await post("/invoices", invoice());
    await post(`/invoices/${id}/send`, { channels: [] });
    await post(`/invoices/${id}/payment-link`);
    await site.request("POST", "/crm/contacts", { body: { firstName: "Ada" } });
    await eventually(
      () => [receiver.at("/a").length, stripe.links.length],
      ([received, links]) => received === 1 && links === 1,
    );
    await site.server.kill();
    const { data } = site.server;
    site = await startSite({ data, env: { ...env(), ...clockAhead(LEASES_ARE_OVER) } });

    const [delivery] = await eventually(
      async () =>
        (await site.request("GET", `/webhooks/${hook.id}/deliveries`)).body
          .data as unknown as Attempted[],
      ([first]) => first?.status === "succeeded",
      WITHIN_MS,
    );
    expect(delivery?.attempts).toMatchObject([
      { error: "Interrupted: it may have arrived." },
      { status: 204 },
    ]);
    const [first, second, ...others] = receiver.at("/a");
    if (!first || !second) throw new Error("Not delivered again");
    expect(others).toEqual([]);
    expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
    verify(hook.secret, second);

    const { customProperties } = await eventually(
      async () => (await site.request("GET", `/invoices/${id}`)).body.data,
      (shown) => shown.customProperties["paymentUrl"] !== undefined,
      WITHIN_MS,
    );
    expect(stripe.links.map(({ url }) => url)).toEqual([customProperties["paymentUrl"]]);
    const [asked, again] = stripe.requests;
    expect(again?.key).toBe(asked?.key);
  },
);
