import { ApiError } from "../kit/errors";
import { startOfToday } from "../kit/localTime";
import { isIssued } from "./invoice";
import type { ObjectDoc, Properties } from "./registry";
import type { InvoicingContext } from "./salesContent";
import type { InvoiceSending } from "./salesInput";

type Invoice = ObjectDoc<"invoice">;
type Balance = Pick<
  Properties<"invoice">,
  "amountPaidInCents" | "amountCreditedInCents" | "amountWrittenOffInCents"
>;

/**
 * A draft goes out: from here on it is in the books. With nothing to pay it is paid at once.
 * @throws INVALID_STATE
 */
export async function sendInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  { sentDate = Date.now(), to }: Pick<InvoiceSending, "sentDate" | "to">,
): Promise<Invoice> {
  if (invoice.status !== "draft") {
    throw new ApiError("INVALID_STATE", `A ${invoice.status} invoice has been sent or cancelled.`, {
      details: {
        status: invoice.status,
        allowed: ["draft", "sent", "awaiting_employer_payment", "overdue"],
      },
    });
  }
  const sentTo = Array.isArray(to) ? to.join(", ") : (to ?? invoice.customProperties.billTo.email);
  const customProperties = { sentDate, ...(sentTo === undefined ? {} : { sentTo }) };
  const sent = await context.store.update(invoice, { status: "sent", customProperties }, "sent");
  return await rebalance(context, sent, {}, "sent");
}

/**
 * A cancelled invoice keeps its number and is out of the books. One that money or a credit note has
 * touched is not cancelled: that would leave the other half standing.
 * @throws INVALID_STATE, CONFLICT
 */
export async function cancelInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  reason: string | undefined,
): Promise<Invoice> {
  if (invoice.status === "cancelled") {
    throw new ApiError("INVALID_STATE", "The invoice is cancelled already.", {
      details: { status: invoice.status, allowed: [] },
    });
  }
  const { amountPaidInCents, amountCreditedInCents, amountWrittenOffInCents } =
    invoice.customProperties;
  const touched = { amountPaidInCents, amountCreditedInCents, amountWrittenOffInCents };
  if (invoice.status !== "paid" && Object.values(touched).some((amount) => amount !== 0)) {
    const message = "Refund what is paid, or credit the rest: a part of it is settled.";
    throw new ApiError("CONFLICT", message, { details: touched });
  }
  const customProperties = {
    cancelledDate: Date.now(),
    ...(reason === undefined ? {} : { cancelReason: reason }),
  };
  const changes = { status: "cancelled" as const, customProperties };
  return await context.store.update(invoice, changes, "cancelled");
}

/**
 * Changes what is paid, credited or written off, and with it what is due: an invoice is paid when
 * nothing is open, and open again when something is. The verb is the event's, unless it becomes paid.
 */
export async function rebalance(
  { store, organization }: InvoicingContext,
  invoice: Invoice,
  changes: Partial<Properties<"invoice">>,
  verb: string,
): Promise<Invoice> {
  const after = { ...invoice.customProperties, ...changes };
  const amountDueInCents = dueOf(after.totalAmountInCents, after);
  const status = statusWith(invoice, amountDueInCents, organization.timeZone);
  const becomesPaid = status === "paid" && invoice.status !== "paid";
  return await store.update(
    invoice,
    { status, customProperties: { ...changes, amountDueInCents } },
    becomesPaid ? "paid" : verb,
  );
}

export function dueOf(total: number, balance: Balance): number {
  const { amountPaidInCents, amountCreditedInCents, amountWrittenOffInCents } = balance;
  return total - amountPaidInCents - amountCreditedInCents - amountWrittenOffInCents;
}

function statusWith(
  invoice: Invoice,
  amountDueInCents: number,
  timeZone: string,
): Invoice["status"] {
  if (amountDueInCents <= 0) return "paid";
  if (invoice.status !== "paid") return invoice.status;
  const isPast = invoice.customProperties.dueDate < startOfToday(Date.now(), timeZone);
  return isPast ? "overdue" : "sent";
}

/** @throws INVALID_STATE for a draft or a cancelled invoice: nobody owes it */
export function requireIssued({ status }: Invoice, what: string): void {
  if (isIssued(status)) return;
  throw new ApiError("INVALID_STATE", `A ${status} invoice ${what}.`, {
    details: { status, allowed: ["sent", "awaiting_employer_payment", "overdue"] },
  });
}
