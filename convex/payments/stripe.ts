"use node";

import Stripe from "stripe";
import { v, type Infer } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import type { LinkOutcome, linkJob } from "./links";

const TIMEOUT_MS = 10_000;

/** Creates or closes a Payment Link of Stripe. Stripe's idempotency key makes a repetition harmless. */
export const workOnLink = internalAction({
  args: { id: v.id("paymentLinks") },
  returns: v.null(),
  handler: async (ctx, { id }): Promise<null> => {
    const job = await ctx.runMutation(internal.payments.links.claim, { id });
    if (!job) return null;
    const outcome = await attempt(job, id);
    await ctx.runMutation(internal.payments.links.settle, { id, outcome });
    return null;
  },
});

async function attempt(job: Infer<typeof linkJob>, id: string): Promise<LinkOutcome> {
  try {
    return job.task === "create" ? await create(client(), job, id) : await close(client(), job);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: message, isFinal: isFinal(error) };
  }
}

/** Stripe refused the request itself: the same one again would be refused again. */
function isFinal(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError;
}

function client(): Stripe {
  const key = process.env.STRIPE_SECRET_KEY;
  if (!key) throw new Error("STRIPE_SECRET_KEY is not set.");
  const base = process.env.STRIPE_BASE_URL;
  const address = base ? addressOf(new URL(base)) : {};
  // We retry ourselves, at longer intervals and with a record of it.
  return new Stripe(key, {
    ...address,
    maxNetworkRetries: 0,
    timeout: TIMEOUT_MS,
    telemetry: false,
  });
}

function addressOf({ hostname, port, protocol }: URL): {
  host: string;
  port?: string;
  protocol: "http" | "https";
} {
  const scheme = protocol === "http:" ? "http" : "https";
  return { host: hostname, protocol: scheme, ...(port === "" ? {} : { port }) };
}

async function create(
  stripe: Stripe,
  { amount, currency, invoiceNumber, organizationId, invoiceId }: Infer<typeof linkJob>,
  id: string,
): Promise<LinkOutcome> {
  const metadata = { organizationId, invoiceId, invoiceNumber };
  const link = await stripe.paymentLinks.create(
    {
      line_items: [
        {
          quantity: 1,
          price_data: {
            currency: currency.toLowerCase(),
            unit_amount: amount,
            product_data: { name: invoiceNumber },
          },
        },
      ],
      metadata,
      payment_intent_data: { metadata },
      // Two customers with the same mail must not both pay it.
      restrictions: { completed_sessions: { limit: 1 } },
    },
    { idempotencyKey: `payment-link-${id}` },
  );
  return { url: link.url, externalId: link.id };
}

async function close(stripe: Stripe, { externalId }: Infer<typeof linkJob>): Promise<LinkOutcome> {
  if (externalId !== null) await stripe.paymentLinks.update(externalId, { active: false });
  return { closed: true };
}
