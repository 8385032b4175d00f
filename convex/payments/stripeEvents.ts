import * as z from "zod";
import { inWords } from "../kit/problems";
import { businessDate } from "../kit/time";
import type { Movement } from "./movement";
import { amountOfStripe } from "./stripeAmounts";
import { once } from "../kit/once";

/**
 * Stripe's events as movements of money. A payment is told by its PaymentIntent, of which both the
 * checkout session and the intent itself speak; a dispute takes the money when it is withdrawn, and
 * gives it back when it is won (`docs.stripe.com/disputes/how-disputes-work`). Other events say
 * nothing new. https://docs.stripe.com/api/events/types
 */
const metadata = once(() => z.record(z.string(), z.unknown()).nullish());
const id = once(() => z.string().min(1).max(255));
const amount = once(() => z.number().int().min(0));
const money = once(() =>
  z.object({ id: id(), currency: z.string().length(3), metadata: metadata() }),
);

const session = once(() =>
  money().extend({
    payment_status: z.string(),
    payment_intent: id().nullable(),
    amount_total: amount().nullable(),
  }),
);
const intent = once(() => money().extend({ amount_received: amount() }));
const refund = once(() =>
  money().extend({
    amount: amount(),
    status: z.string().nullable(),
    payment_intent: id().nullish(),
  }),
);
const dispute = once(() => money().extend({ amount: amount(), payment_intent: id().nullish() }));

const envelope = once(() =>
  z.object({
    id: z.string(),
    type: z.string(),
    /** Seconds. */
    created: z
      .number()
      .transform((seconds): number | string => seconds * 1000)
      .pipe(businessDate()),
    data: z.object({ object: z.unknown() }),
  }),
);

type Read = (object: unknown, at: number) => Movement | null;

/** A type of event: what its object must be like, and what that says of money. */
function reader<Schema extends z.ZodType>(
  schema: () => Schema,
  read: (object: z.output<Schema>, at: number) => Movement | null,
): Read {
  return (object, at) => read(schema().parse(object, { error: inWords }), at);
}

const READERS: ReadonlyMap<string, Read> = new Map([
  ["checkout.session.completed", reader(session, fromSession)],
  ["checkout.session.async_payment_succeeded", reader(session, fromSession)],
  ["payment_intent.succeeded", reader(intent, fromIntent)],
  ["refund.created", reader(refund, fromRefund)],
  ["refund.updated", reader(refund, fromRefund)],
  ["charge.refund.updated", reader(refund, fromRefund)],
  ["refund.failed", reader(refund, fromRefund)],
  ["charge.dispute.funds_withdrawn", reader(dispute, fromWithdrawal)],
  ["charge.dispute.funds_reinstated", reader(dispute, fromReinstatement)],
]);

/** An event's movement, or null where it tells of none. */
export const stripeEvent = once(() =>
  envelope().transform((event, context): Movement | null => {
    const read = READERS.get(event.type);
    if (!read) return null;
    try {
      return read(event.data.object, event.created);
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      for (const { path, message } of error.issues) {
        context.issues.push({
          ...{ code: "custom", message, input: event },
          path: ["data", "object", ...path],
        });
      }
      return z.NEVER;
    }
  }),
);

/** Of a subscription's session, the invoice of it tells. */
function fromSession(paid: z.output<ReturnType<typeof session>>, paidAt: number): Movement | null {
  const { payment_status: status, payment_intent: reference, amount_total: total } = paid;
  if (status !== "paid" || reference === null || !total) return null;
  return { ...moneyOf(paid, total, paidAt), reference, kind: "payment", ...targetOf(paid) };
}

function fromIntent(paid: z.output<ReturnType<typeof intent>>, paidAt: number): Movement | null {
  if (paid.amount_received === 0) return null;
  const amounts = moneyOf(paid, paid.amount_received, paidAt);
  return { ...amounts, reference: paid.id, kind: "payment", ...targetOf(paid) };
}

/** One that failed after all brings the money back, as a movement of its own. */
function fromRefund(given: z.output<ReturnType<typeof refund>>, paidAt: number): Movement | null {
  const { id: reference, status, amount: refunded } = given;
  if (refunded === 0) return null;
  const amounts = moneyOf(given, refunded, paidAt);
  if (status === "succeeded") {
    return { ...amounts, reference, kind: "refund", ...following(given) };
  }
  if (status !== "failed") return null;
  return { ...amounts, reference: `${reference}:failed`, kind: "payment", follows: reference };
}

function fromWithdrawal(
  disputed: z.output<ReturnType<typeof dispute>>,
  paidAt: number,
): Movement | null {
  if (disputed.amount === 0) return null;
  const reference = `${disputed.id}:withdrawn`;
  const amounts = moneyOf(disputed, disputed.amount, paidAt);
  return { ...amounts, reference, kind: "refund", ...following(disputed) };
}

function fromReinstatement(
  disputed: z.output<ReturnType<typeof dispute>>,
  paidAt: number,
): Movement | null {
  if (disputed.amount === 0) return null;
  const [reference, follows] = [`${disputed.id}:reinstated`, `${disputed.id}:withdrawn`];
  return { ...moneyOf(disputed, disputed.amount, paidAt), reference, kind: "payment", follows };
}

/** What takes back a charge without an intent follows nothing that we know: it waits for a person. */
function following({
  payment_intent: follows,
}: {
  payment_intent?: string | null | undefined;
}): Pick<Movement, "follows"> {
  return follows ? { follows } : {};
}

function moneyOf(
  { currency: code }: { currency: string },
  told: number,
  paidAt: number,
): Pick<Movement, "provider" | "amountInCents" | "currency" | "paidAt" | "paymentMethod"> {
  const currency = code.toUpperCase();
  return {
    provider: "stripe",
    amountInCents: amountOfStripe(told, currency),
    currency,
    paidAt,
    paymentMethod: "stripe",
  };
}

/** Metadata is anybody's at Stripe: what is no text in it names nothing. */
function targetOf({
  metadata: given,
}: {
  metadata?: Record<string, unknown> | null | undefined;
}): Pick<Movement, "organizationId" | "invoiceId"> {
  const { organizationId, invoiceId } = given ?? {};
  return {
    ...(typeof organizationId === "string" ? { organizationId } : {}),
    ...(typeof invoiceId === "string" ? { invoiceId } : {}),
  };
}
