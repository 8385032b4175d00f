import { exampleId } from "../../kit/exampleId";
import { incomingWebhook, type Outcome } from "../../kit/incomingWebhook";
import type { Doc } from "../../_generated/dataModel";
import type { MutationCtx } from "../../_generated/server";
import { deploymentOwner } from "../../payments/deploymentOwner";
import { genericEvent } from "../../payments/genericEvents";
import { receiveMovement } from "../../payments/matching";
import type { Movement } from "../../payments/movement";
import { stripeEvent } from "../../payments/stripeEvents";

/**
 * Each provider has two addresses: the deployment's, whose secret is a variable, and one for every
 * organization that has set the provider up. An event at an organization's address is its own.
 */
const STRIPE = {
  tag: "Payments",
  provider: "stripe",
  signature: { scheme: "stripe" },
  identity: { id: "body" },
  body: stripeEvent,
  example: {
    id: "evt_1SI0qL2eZvKYlo2C",
    type: "payment_intent.succeeded",
    created: 1_760_430_600,
    data: {
      object: {
        id: "pi_3SI0qL2eZvKYlo2C",
        currency: "eur",
        amount_received: 47_600,
        metadata: { invoiceId: exampleId("invoiceId") },
      },
    },
  },
  owner: deploymentOwner,
  // How many endpoints have not taken it yet, as of each delivery.
  varying: '"pending_webhooks":\\s*\\d+',
} as const;
const GENERIC = {
  tag: "Payments",
  provider: "generic",
  signature: { scheme: "standard-webhooks" },
  identity: { id: "standard-webhooks" },
  body: genericEvent,
  example: {
    type: "payment.succeeded",
    data: {
      invoiceId: exampleId("invoiceId"),
      amountInCents: 47_600,
      currency: "EUR",
      transactionRef: "SEPA-20261014-0042",
      paidAt: "2026-10-14",
      paymentMethod: "bank_transfer",
    },
  },
  owner: deploymentOwner,
  refusesUnreadable: true,
} as const;

const STRIPE_EVENTS =
  "Payments, refunds and disputes; other types are recorded and ignored. One that cannot be read is recorded as `unreadable`, and answered 200.";
const GENERIC_EVENTS =
  'Signed as Standard Webhooks describes. `{ type: "payment.succeeded" | "payment.refunded", data: { invoiceId | invoiceNumber, amountInCents, currency, transactionRef, paidAt, paymentMethod?, refundOf? } }`. One that cannot be read is recorded as `unreadable`, and answered 400 with the path.';
const OWN = "The organization's own address: what comes here is the organization's.";

export const stripe = incomingWebhook(
  {
    ...STRIPE,
    path: "/webhooks/payments/stripe",
    summary: "Events of Stripe",
    description: STRIPE_EVENTS,
    secret: { variable: "STRIPE_WEBHOOK_SECRET" },
  },
  move,
);

export const stripeOfOrganization = incomingWebhook(
  {
    ...STRIPE,
    path: "/webhooks/payments/stripe/:endpointKey",
    summary: "Events of an organization's Stripe account",
    description: `${OWN} ${STRIPE_EVENTS}`,
    secret: { query: "payments/providers:secretsAt" },
  },
  move,
);

export const generic = incomingWebhook(
  {
    ...GENERIC,
    path: "/webhooks/payments/generic",
    summary: "Payments and refunds of any provider",
    description: `${GENERIC_EVENTS} Where the deployment has several organizations and none is named for its credentials, \`data.organizationId\` says whose it is.`,
    secret: { variable: "PAYMENT_WEBHOOK_SECRET" },
  },
  move,
);

export const genericOfOrganization = incomingWebhook(
  {
    ...GENERIC,
    path: "/webhooks/payments/generic/:endpointKey",
    summary: "Payments and refunds of an organization's own provider",
    description: `${OWN} ${GENERIC_EVENTS}`,
    secret: { query: "payments/providers:secretsAt" },
  },
  move,
);

async function move(
  ctx: MutationCtx,
  event: Doc<"incomingEvents">,
  movement: Movement | null,
): Promise<Outcome> {
  if (movement) return await receiveMovement(ctx, movement, event.addressedTo);
  const organizationId = event.addressedTo ?? (await deploymentOwner(ctx)) ?? undefined;
  const whose = organizationId === undefined ? {} : { organizationId };
  return { status: "ignored", note: `${event.type} moves no money here.`, ...whose };
}
