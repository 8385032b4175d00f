import { z } from "zod";
import { currencyCode } from "../kit/money";
import { text } from "../kit/text";
import type { Movement } from "./movement";

const data = z.object({
  organizationId: z.string().max(64).optional(),
  invoiceId: z.string().max(64).optional(),
  invoiceNumber: text(50).optional(),
  amountInCents: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
  currency: currencyCode,
  transactionRef: text(200),
  paidAt: z.number().int().min(0),
  paymentMethod: text(50).optional(),
  /** Of a refund: the `transactionRef` of the payment that it takes back. */
  refundOf: text(200).optional(),
});

/** `POST /webhooks/payments/generic`: for any provider, by whoever speaks for it. */
export const genericEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("payment.succeeded"), data }),
  z.object({ type: z.literal("payment.refunded"), data }),
]);

/** The movement of an event, or what is wrong with it. */
export function genericMovement(payload: string): Movement | { problem: string } {
  const parsed = genericEvent.safeParse(JSON.parse(payload));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not readable"}` };
  }
  const { type, data: given } = parsed.data;
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
