import Stripe from "stripe";
import { Webhook } from "standardwebhooks";
import type { RequestOptions } from "./answer";

/**
 * A signed request as a provider sends it, with the headers of Standard Webhooks or of Svix; the
 * secrets are those of vitest.config.ts.
 */
export function signedEvent(
  event: unknown,
  {
    id = `msg_${crypto.randomUUID()}`,
    at = new Date(),
    secret = process.env["PAYMENT_WEBHOOK_SECRET"] ?? "",
    prefix = "webhook",
  }: { id?: string; at?: Date; secret?: string; prefix?: "webhook" | "svix" } = {},
): RequestOptions {
  const raw = JSON.stringify(event);
  const headers = {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
    [`${prefix}-signature`]: new Webhook(secret).sign(id, at, raw),
  };
  return { raw, headers, token: null };
}

/** As Stripe signs: by the SDK's own helper. */
export function stripeEvent(
  event: unknown,
  {
    at = Date.now(),
    secret = process.env["STRIPE_WEBHOOK_SECRET"] ?? "",
  }: { at?: number; secret?: string } = {},
): RequestOptions {
  const raw = JSON.stringify(event);
  const signing = { payload: raw, secret, timestamp: Math.floor(at / 1000) };
  const signature = Stripe.webhooks.generateTestHeaderString(signing);
  return { raw, headers: { "Stripe-Signature": signature }, token: null };
}
