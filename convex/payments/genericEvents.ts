import * as z from "zod";
import { currencyCode } from "../kit/money";
import { text } from "../kit/text";
import { businessDate } from "../kit/time";
import type { Movement } from "./movement";
import { once } from "../kit/once";

/** In any case: `eur` is what many a provider writes. */
const anyCase = once(() =>
  z
    .string()
    .max(10)
    .transform((code) => code.trim().toUpperCase())
    .pipe(currencyCode()),
);

const data = once(() =>
  z.object({
    organizationId: z.string().max(64).optional(),
    invoiceId: z.string().max(64).optional(),
    invoiceNumber: text(60).optional(),
    amountInCents: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
    currency: anyCase(),
    transactionRef: text(200),
    paidAt: businessDate(),
    paymentMethod: text(50).optional(),
    /** Of a refund: the `transactionRef` of the payment that it takes back. */
    refundOf: text(200).optional(),
  }),
);

/**
 * `POST /webhooks/payments/generic`: for any provider, by whoever speaks for it. What it reads to is
 * the movement that it tells of.
 */
export const genericEvent = once(() =>
  z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("payment.succeeded"), data: data() }),
      z.object({ type: z.literal("payment.refunded"), data: data() }),
    ])
    .transform(movementOf),
);

function movementOf({
  type,
  data: given,
}: {
  type: "payment.succeeded" | "payment.refunded";
  data: z.output<ReturnType<typeof data>>;
}): Movement {
  const { transactionRef, refundOf: follows, paymentMethod = "online", ...rest } = given;
  const defined = Object.fromEntries(
    Object.entries({ ...rest, follows }).filter(([, value]) => value !== undefined),
  ) as typeof rest & { follows?: string };
  const common = { ...defined, provider: "generic", paymentMethod } as const;
  // A refund may bear the reference of its payment; it is another movement all the same.
  return type === "payment.succeeded"
    ? { ...common, kind: "payment", reference: transactionRef }
    : { ...common, kind: "refund", reference: `refund:${transactionRef}` };
}
