import * as z from "zod";
import { zid } from "convex-helpers/server/zod4";
import { storedCustomFields } from "../kit/customFields";
import { defineObjectType } from "./definition";
import { bookingTallies, dueTallies } from "./sales";
import {
  INVOICE_TYPES,
  linkTo,
  numberKey,
  PAYMENT_TERMS,
  salesColumns,
  salesContent,
  salesFilters,
  sentToPortal,
  withoutAddressee,
} from "./salesDocument";

/** Statuses of an invoice that somebody owes or owed: it is in the books. */
export const ISSUED = ["sent", "awaiting_employer_payment", "overdue", "paid"] as const;

/** A claim for money. Its number is final; a sent one is corrected by credit notes alone. */
export const invoiceType = defineObjectType({
  type: "invoice",
  resource: "invoice",
  subtypes: INVOICE_TYPES,
  statuses: ["draft", "sent", "awaiting_employer_payment", "overdue", "paid", "cancelled"],
  transitions: {
    draft: ["sent", "cancelled"],
    sent: ["awaiting_employer_payment", "paid", "overdue", "cancelled"],
    awaiting_employer_payment: ["paid", "overdue", "cancelled"],
    overdue: ["paid", "cancelled"],
    // A refund that opens an amount.
    paid: ["sent", "overdue"],
    cancelled: [],
  },
  properties: salesContent.extend({
    invoiceNumber: z.string(),
    type: z.enum(INVOICE_TYPES),
    issueDate: z.number(),
    dueDate: z.number(),
    /** The month of `issueDate` and the day of `dueDate` in the organization's time zone. */
    bookingMonth: z.string(),
    dueDay: z.string(),
    sentDate: z.number().optional(),
    sentTo: z.string().optional(),
    paymentTerms: z.enum(PAYMENT_TERMS).optional(),
    notes: z.string().optional(),
    amountPaidInCents: z.number(),
    amountCreditedInCents: z.number(),
    amountWrittenOffInCents: z.number(),
    /** Total less what is paid, credited and written off; below zero the customer is owed. */
    amountDueInCents: z.number(),
    /** Of the last payment. */
    paidDate: z.number().optional(),
    paymentMethod: z.string().optional(),
    transactionRef: z.string().optional(),
    /** Where it is paid online; set by a payment provider. */
    paymentUrl: z.string().optional(),
    /** Oldest first; `days` after the due date where a rule has reminded. */
    reminders: z
      .array(
        z.object({
          at: z.number(),
          level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
          days: z.number().optional(),
        }),
      )
      .optional(),
    cancelledDate: z.number().optional(),
    cancelReason: z.string().optional(),
    /** Where it comes from. */
    quoteId: zid("objects").optional(),
    copiedFromId: zid("objects").optional(),
    recurringInvoiceId: zid("objects").optional(),
    customFields: storedCustomFields,
  }),
  uniqueKeyIs: {
    path: "body.invoiceNumber",
    errorCode: "CONFLICT",
    message: "Another invoice has this number.",
  },
  columns({ customProperties: invoice }) {
    const { invoiceNumber, billTo } = invoice;
    const sales = salesColumns(invoice);
    return {
      name: invoiceNumber,
      searchText: [invoiceNumber, billTo.name, billTo.email, invoice.notes]
        .filter(Boolean)
        .join(" "),
      lookupKey: numberKey(invoiceNumber),
      ...sales,
      documentDate: invoice.issueDate,
      dueAt: invoice.dueDate,
      links: [
        ...sales.links,
        ...linkTo("from_quote", invoice.quoteId),
        ...linkTo("from_recurring_invoice", invoice.recurringInvoiceId),
      ],
    };
  },
  withoutPerson: ({ status, customProperties }, personId) =>
    status === "draft" ? withoutAddressee(customProperties, personId) : null,
  filters: { ...salesFilters, invoiceNumber: "lookupKey" },
  sorts: { issueDate: "documentDate", dueDate: "dueAt", number: "lookupKey" },
  portal: sentToPortal,
  sums({ status, customProperties: { amountDueInCents } }): Record<string, bigint> {
    return isIssued(status) ? { due: BigInt(amountDueInCents) } : {};
  },
  tallies({ status, customProperties: invoice }) {
    if (!isIssued(status)) return [];
    const { currency, billTo, projectId, taxes, bookingMonth: month } = invoice;
    const sums = {
      invoicedNet: BigInt(invoice.netAmountInCents),
      invoicedTax: BigInt(invoice.taxAmountInCents),
    };
    const { contactId, crmOrganizationId } = billTo;
    const owners = { contactId, crmOrganizationId, projectId };
    return [
      ...bookingTallies({ month, currency, invoices: 1, sums, taxes, ...owners }),
      ...dueTallies(currency, invoice.dueDay, invoice.amountDueInCents),
    ];
  },
});

export function isIssued(status: string): boolean {
  return (ISSUED as readonly string[]).includes(status);
}
