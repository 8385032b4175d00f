import { ApiError, FieldError, invalidFields } from "../kit/errors";
import { daysAfter, monthOf, wholeDayOf } from "../kit/localTime";
import { rebalance, requireIssued } from "./invoiceActions";
import type { ObjectDoc } from "./registry";
import type { InvoicingContext } from "./salesContent";
import { numberKey } from "./salesDocument";
import type { PaymentCreation, WriteOff } from "./salesInput";

type Invoice = ObjectDoc<"invoice">;
type Kind = ObjectDoc<"payment">["subtype"];
/** What was recorded, and the invoice after it. */
export type Settlement = { payment: ObjectDoc<"payment">; invoice: Invoice };

/** As `takePayment`, for those who care for the invoice alone. */
export async function recordPayment(
  context: InvoicingContext,
  invoice: Invoice,
  input: PaymentCreation,
): Promise<Invoice> {
  return (await takePayment(context, invoice, input)).invoice;
}

/**
 * Records a payment, or a refund where the amount is below zero. A reference that the invoice has
 * already is the payment that it has already.
 * @throws INVALID_STATE for an invoice that nobody owes; CONFLICT above the open amount, for a refund
 *   above what was paid, and for a reference of another payment
 */
export async function takePayment(
  context: InvoicingContext,
  invoice: Invoice,
  input: PaymentCreation,
): Promise<Settlement> {
  const known = await knownPayment(context, invoice, input);
  if (known) return { payment: known, invoice };
  requireIssued(invoice, "takes no payment");
  const { customProperties: before } = invoice;
  const amount = input.amountInCents ?? openAmount(invoice);
  requireAtMost(amount, before.amountDueInCents, before.amountPaidInCents, "paid");
  const { paymentMethod, transactionRef } = input;
  const paidDate = dayOfDeed(context, "paidDate", input.paidDate);
  const reference = transactionRef === undefined ? {} : { transactionRef };
  const payment = await record(context, invoice, amount < 0 ? "refund" : "payment", {
    amountInCents: amount,
    paidDate,
    paymentMethod,
    ...reference,
  });
  const amountPaidInCents = before.amountPaidInCents + amount;
  const settled = await rebalance(
    context,
    invoice,
    {
      amountPaidInCents,
      ...(amount < 0 ? {} : { paidDate, paymentMethod, transactionRef }),
      ...(amountPaidInCents === 0 ? NEVER_PAID : {}),
    },
    amount < 0 ? "refunded" : "payment_recorded",
  );
  return { payment, invoice: settled };
}

const NEVER_PAID = {
  paidDate: undefined,
  paymentMethod: undefined,
  transactionRef: undefined,
};

/**
 * Gives up what is open of an invoice, or a part of it; below zero takes that back.
 * @throws INVALID_STATE, CONFLICT
 */
export async function writeOffInvoice(
  context: InvoicingContext,
  invoice: Invoice,
  { amountInCents, date, reason }: WriteOff,
): Promise<Settlement> {
  requireIssued(invoice, "has nothing to write off");
  const { customProperties: before } = invoice;
  const amount = amountInCents ?? openAmount(invoice);
  requireAtMost(amount, before.amountDueInCents, before.amountWrittenOffInCents, "written off");
  const payment = await record(context, invoice, "write_off", {
    amountInCents: amount,
    paidDate: dayOfDeed(context, "date", date),
    ...(reason === undefined ? {} : { reason }),
  });
  const amountWrittenOffInCents = before.amountWrittenOffInCents + amount;
  const settled = await rebalance(context, invoice, { amountWrittenOffInCents }, "written_off");
  return { payment, invoice: settled };
}

/** What has been done is of a day, today's by default. @throws VALIDATION_ERROR later than tomorrow */
function dayOfDeed(
  { organization: { timeZone } }: InvoicingContext,
  field: string,
  given: number | undefined,
): number {
  const now = Date.now();
  const { first: day } = wholeDayOf(given ?? now, timeZone);
  if (day <= wholeDayOf(daysAfter(now, 1, timeZone), timeZone).first) return day;
  throw invalidFields([{ field, message: "must not be later than tomorrow" }]);
}

async function record(
  { store, organization }: InvoicingContext,
  invoice: Invoice,
  subtype: Kind,
  payment: {
    amountInCents: number;
    paidDate: number;
    paymentMethod?: string;
    transactionRef?: string;
    reason?: string;
  },
): Promise<ObjectDoc<"payment">> {
  const { invoiceNumber, currency, billTo, projectId } = invoice.customProperties;
  const { contactId, crmOrganizationId } = billTo;
  return await store.insert("payment", {
    subtype,
    status: "recorded",
    customProperties: {
      ...payment,
      invoiceId: invoice._id,
      invoiceNumber,
      currency,
      bookingMonth: monthOf(payment.paidDate, organization.timeZone),
      ...(contactId === undefined ? {} : { contactId }),
      ...(crmOrganizationId === undefined ? {} : { crmOrganizationId }),
      ...(projectId === undefined ? {} : { projectId }),
    },
  });
}

/** The same payment, if it was recorded before. @throws CONFLICT when its reference is another's */
async function knownPayment(
  { store }: InvoicingContext,
  invoice: Invoice,
  { transactionRef, amountInCents }: PaymentCreation,
): Promise<ObjectDoc<"payment"> | null> {
  if (transactionRef === undefined) return null;
  const known = await store.findByKey("payment", numberKey(transactionRef));
  if (!known) return null;
  const { customProperties: payment } = known;
  const isSame =
    payment.invoiceId === invoice._id &&
    (amountInCents === undefined || amountInCents === payment.amountInCents);
  if (isSame) return known;
  throw new FieldError("CONFLICT", "Another payment has this reference.", "transactionRef", {
    id: known._id,
    invoiceId: payment.invoiceId,
    amountInCents: payment.amountInCents,
  });
}

/** @throws INVALID_STATE when nothing is open */
function openAmount({ status, customProperties: { amountDueInCents } }: Invoice): number {
  if (amountDueInCents > 0) return amountDueInCents;
  throw new ApiError("INVALID_STATE", "Nothing is open on this invoice.", {
    details: { status, allowed: ["sent", "awaiting_employer_payment", "overdue"] },
  });
}

/** @throws CONFLICT above what is open, and below what was settled before */
function requireAtMost(amount: number, due: number, settled: number, verb: string): void {
  if (amount > 0 && amount > due) {
    throw new FieldError("CONFLICT", `Only ${Math.max(0, due)} is open.`, "amountInCents", {
      amountDueInCents: due,
    });
  }
  if (amount < 0 && -amount > settled) {
    throw new FieldError("CONFLICT", `Only ${settled} was ${verb}.`, "amountInCents", {
      settledInCents: settled,
    });
  }
}
