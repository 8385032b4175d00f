import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { storedCustomFields } from "../kit/customFields";
import { WRITTEN, defineObjectType } from "./definition";
import { bookingTallies, dueTallies } from "./sales";
import { searchedTexts } from "./searchedTexts";
import {
  INVOICE_TYPES,
  linkTo,
  numberKey,
  PAYMENT_TERMS,
  salesColumns,
  salesContent,
  salesFilters,
  salesOwners,
  searchedParty,
  sentToPortal,
  withoutAddressee,
} from "./salesDocument";

/** Statuses of an invoice that somebody owes or owed: it is in the books. */
export const ISSUED = ["sent", "awaiting_employer_payment", "overdue", "paid"] as const;

/** A claim for money. Its number is final; a sent one is corrected by credit notes alone. */
export const invoiceType = defineObjectType({
  type: "invoice",
  resource: "invoice",
  area: "invoices",
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
  verbs: [
    ...WRITTEN,
    ...["sent", "undelivered", "reminded", "paid", "overdue", "cancelled"],
    ...["payment_recorded", "refunded", "written_off", "credited"],
  ],
  properties: v.object({
    ...salesContent.fields,
    invoiceNumber: v.string(),
    type: oneOf(INVOICE_TYPES),
    issueDate: v.number(),
    dueDate: v.number(),
    /** The month of `issueDate` and the day of `dueDate` in the organization's time zone. */
    bookingMonth: v.string(),
    dueDay: v.string(),
    sentDate: v.optional(v.number()),
    sentTo: v.optional(v.string()),
    paymentTerms: v.optional(oneOf(PAYMENT_TERMS)),
    notes: v.optional(v.string()),
    amountPaidInCents: v.number(),
    amountCreditedInCents: v.number(),
    amountWrittenOffInCents: v.number(),
    /** Total less what is paid, credited and written off; below zero the customer is owed. */
    amountDueInCents: v.number(),
    /** Of the last payment. */
    paidDate: v.optional(v.number()),
    paymentMethod: v.optional(v.string()),
    transactionRef: v.optional(v.string()),
    /** Where it is paid online; set by a payment provider. */
    paymentUrl: v.optional(v.string()),
    /** Oldest first; `days` after the due date where a rule has reminded. */
    reminders: v.optional(
      v.array(
        v.object({
          at: v.number(),
          level: v.union(v.literal(1), v.literal(2), v.literal(3)),
          days: v.optional(v.number()),
        }),
      ),
    ),
    cancelledDate: v.optional(v.number()),
    cancelReason: v.optional(v.string()),
    /** Where it comes from. */
    quoteId: v.optional(v.id("objects")),
    copiedFromId: v.optional(v.id("objects")),
    recurringInvoiceId: v.optional(v.id("objects")),
    customFields: storedCustomFields,
  }),
  uniqueKeyIs: {
    field: "invoiceNumber",
    errorCode: "CONFLICT",
    message: "Another invoice has this number.",
  },
  columns({ customProperties: invoice }) {
    const { invoiceNumber, billTo } = invoice;
    const sales = salesColumns(invoice);
    return {
      name: invoiceNumber,
      searched: searchedTexts({ invoiceNumber, ...searchedParty(billTo), notes: invoice.notes }),
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
  owners: salesOwners,
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
