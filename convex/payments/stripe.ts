"use node";

import Stripe from "stripe";
import { v, type Infer } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { checkHostOf } from "../kit/hostName";
import { openSecret } from "../kit/secretBox";
import { isTestKey } from "./hints";
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
    await ctx.runMutation(internal.payments.links.settle, { id, lease: job.lease, outcome });
    return null;
  },
});

async function attempt(job: Infer<typeof linkJob>, id: string): Promise<LinkOutcome> {
  let failure: unknown = new Error("There is no key of Stripe's any more that it was made with.");
  for (const key of job.keys) {
    try {
      const stripe = client(await secretKey(key, job.isTest));
      return job.task === "create" ? await create(stripe, job, id) : await close(stripe, job);
    } catch (error) {
      failure = error;
      if (!isOfKey(error)) break;
    }
  }
  const message = failure instanceof Error ? failure.message : String(failure);
  return { error: message, isFinal: isFinal(failure) };
}

/** Stripe refused the key, or what it is for is another account's: another key may do. */
function isOfKey(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeAuthenticationError ||
    error instanceof Stripe.errors.StripePermissionError ||
    (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === "resource_missing")
  );
}

/** Stripe refused the request itself: the same one again would be refused again. */
function isFinal(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeInvalidRequestError;
}

/** @throws where it is the deployment's, which is gone; for a live key of a test organization */
async function secretKey(sealed: string | null, isTest: boolean): Promise<string> {
  const key = sealed === null ? process.env.STRIPE_SECRET_KEY : await openSecret(sealed);
  if (!key) throw new Error("STRIPE_SECRET_KEY is not set.");
  if (isTest && !isTestKey(key)) {
    throw new Error("A test organization takes Stripe's test keys alone: sk_test_… or rk_test_….");
  }
  return key;
}

function client(key: string): Stripe {
  const base = process.env.STRIPE_BASE_URL;
  const address = base ? addressOf(checkHostOf("STRIPE_BASE_URL", new URL(base))) : {};
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
