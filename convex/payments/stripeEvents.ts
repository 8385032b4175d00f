import { z } from "zod";
import type { Movement } from "./movement";

/**
 * Stripe's events as movements of money. A payment is told by its PaymentIntent, of which both the
 * checkout session and the intent itself speak; a dispute takes the money when it is withdrawn, and
 * gives it back when it is won (`docs.stripe.com/disputes/how-disputes-work`). Other events say
 * nothing new. https://docs.stripe.com/api/events/types
 */
const metadata = z.record(z.string(), z.string()).nullish();
const money = z.object({ id: z.string(), currency: z.string(), metadata });

const session = money.extend({
  payment_status: z.string(),
  payment_intent: z.string().nullable(),
  amount_total: z.number().int().nullable(),
});
const intent = money.extend({ amount_received: z.number().int() });
const refund = money.extend({
  amount: z.number().int(),
  status: z.string().nullable(),
  payment_intent: z.string().nullable(),
});
const dispute = money.extend({ amount: z.number().int(), payment_intent: z.string().nullable() });

const envelope = z.object({
  id: z.string(),
  type: z.string(),
  created: z.number(),
  data: z.object({ object: z.unknown() }),
});

export function stripeIdentity(body: unknown): { id: string | null; type: string } {
  const parsed = envelope.safeParse(body);
  return parsed.success ? parsed.data : { id: null, type: "unreadable" };
}

/**
 * The movement that an event tells of, or null where it tells of none.
 * @throws ZodError for an event of a known type in another shape
 */
export function stripeMovement(payload: string): Movement | null {
  const { type, created, data } = envelope.parse(JSON.parse(payload));
  const read = READERS[type];
  return read ? read(data.object, created * 1000) : null;
}

const READERS: Record<string, (object: unknown, at: number) => Movement | null> = {
  "checkout.session.completed": fromSession,
  "checkout.session.async_payment_succeeded": fromSession,
  "payment_intent.succeeded": fromIntent,
  "refund.created": fromRefund,
  "refund.updated": fromRefund,
  "charge.refund.updated": fromRefund,
  "refund.failed": fromRefund,
  "charge.dispute.funds_withdrawn": fromWithdrawal,
  "charge.dispute.funds_reinstated": fromReinstatement,
};

function fromSession(object: unknown, paidAt: number): Movement | null {
  const paid = session.parse(object);
  const { payment_status: status, payment_intent: reference, amount_total: amount } = paid;
  if (status !== "paid" || reference === null || !amount) return null;
  return { ...moneyOf(paid, amount, paidAt), reference, kind: "payment", ...targetOf(paid) };
}

function fromIntent(object: unknown, paidAt: number): Movement | null {
  const paid = intent.parse(object);
  if (paid.amount_received === 0) return null;
  const amounts = moneyOf(paid, paid.amount_received, paidAt);
  return { ...amounts, reference: paid.id, kind: "payment", ...targetOf(paid) };
}

/** One that failed after all brings the money back, as a movement of its own. */
function fromRefund(object: unknown, paidAt: number): Movement | null {
  const given = refund.parse(object);
  const { id, status, payment_intent: payment } = given;
  if (payment === null) return null;
  const amounts = moneyOf(given, given.amount, paidAt);
  if (status === "succeeded")
    return { ...amounts, reference: id, kind: "refund", follows: payment };
  if (status !== "failed") return null;
  return { ...amounts, reference: `${id}:failed`, kind: "payment", follows: id };
}

function fromWithdrawal(object: unknown, paidAt: number): Movement | null {
  const disputed = dispute.parse(object);
  const { id, amount, payment_intent: follows } = disputed;
  if (follows === null) return null;
  const reference = `${id}:withdrawn`;
  return { ...moneyOf(disputed, amount, paidAt), reference, kind: "refund", follows };
}

function fromReinstatement(object: unknown, paidAt: number): Movement | null {
  const disputed = dispute.parse(object);
  const { id, amount } = disputed;
  const [reference, follows] = [`${id}:reinstated`, `${id}:withdrawn`];
  return { ...moneyOf(disputed, amount, paidAt), reference, kind: "payment", follows };
}

/** Stripe counts these in hundredths, though they have no minor unit (docs.stripe.com/currencies). */
const IN_HUNDREDTHS = new Set(["ISK", "UGX"]);

function moneyOf(
  { currency: code }: { currency: string },
  amount: number,
  paidAt: number,
): Pick<Movement, "provider" | "amountInCents" | "currency" | "paidAt" | "paymentMethod"> {
  const currency = code.toUpperCase();
  const amountInCents = IN_HUNDREDTHS.has(currency) ? Math.round(amount / 100) : amount;
  return { provider: "stripe", amountInCents, currency, paidAt, paymentMethod: "stripe" };
}

/** The inverse, for what we ask Stripe to charge. */
export function stripeAmount(amountInCents: number, currency: string): number {
  return IN_HUNDREDTHS.has(currency) ? amountInCents * 100 : amountInCents;
}

function targetOf({
  metadata: given,
}: {
  metadata?: Record<string, string> | null | undefined;
}): Pick<Movement, "organizationId" | "invoiceId"> {
  const { organizationId, invoiceId } = given ?? {};
  return {
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(invoiceId === undefined ? {} : { invoiceId }),
  };
}
