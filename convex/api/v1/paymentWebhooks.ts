import { incomingWebhook } from "../../kit/incomingWebhook";
import {
  standardWebhookId,
  verifyStandardWebhook,
  verifyStripeSignature,
} from "../../kit/signatures";
import { genericMovement } from "../../payments/genericEvents";
import { receiveMovement } from "../../payments/matching";
import { stripeIdentity, stripeMovement } from "../../payments/stripeEvents";

const tag = "Payments";

export const stripe = incomingWebhook(
  {
    path: "/webhooks/payments/stripe",
    tag,
    summary: "Events of Stripe",
    description: "Payments, refunds and disputes; other types are recorded and ignored.",
    provider: "stripe",
    secret: "STRIPE_WEBHOOK_SECRET",
    verify: verifyStripeSignature,
    read: (_request, body) => stripeIdentity(body),
  },
  async (ctx, { payload, type }) => {
    const movement = stripeMovement(payload);
    if (!movement) return { status: "ignored", note: `${type} moves no money.` };
    return await receiveMovement(ctx, movement);
  },
);

export const generic = incomingWebhook(
  {
    path: "/webhooks/payments/generic",
    tag,
    summary: "Payments and refunds of any provider",
    description:
      'Signed as Standard Webhooks describes. `{ type: "payment.succeeded" | "payment.refunded", data: { organizationId?, invoiceId | invoiceNumber, amountInCents, currency, transactionRef, paidAt, paymentMethod?, refundOf? } }`; a deployment of several organizations needs `organizationId` beside an `invoiceNumber`.',
    provider: "generic",
    secret: "PAYMENT_WEBHOOK_SECRET",
    verify: verifyStandardWebhook,
    read: (request, body) => ({ id: standardWebhookId(request), type: typeOf(body) }),
  },
  async (ctx, { payload }) => {
    const movement = genericMovement(payload);
    if ("problem" in movement) return { status: "ignored", note: movement.problem };
    return await receiveMovement(ctx, movement);
  },
);

function typeOf(body: unknown): string {
  const type = (body as { type?: unknown } | null)?.type;
  return typeof type === "string" ? type : "unreadable";
}
