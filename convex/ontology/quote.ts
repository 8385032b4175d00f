import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
import { storedCustomFields } from "../kit/customFields";
import { WRITTEN, defineObjectType } from "./definition";
import { searchedTexts } from "./searchedTexts";
import {
  INVOICE_TYPES,
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

/** An offer with a price, which becomes an invoice when it is accepted. */
export const quoteType = defineObjectType({
  type: "quote",
  resource: "quote",
  area: "invoices",
  subtypes: INVOICE_TYPES,
  statuses: ["draft", "sent", "accepted", "declined", "expired", "cancelled"],
  transitions: {
    draft: ["sent", "cancelled"],
    sent: ["accepted", "declined", "expired", "cancelled"],
    accepted: [],
    declined: [],
    expired: [],
    cancelled: [],
  },
  verbs: [
    ...WRITTEN,
    ...["sent", "undelivered", "accepted", "declined", "expired", "cancelled", "invoiced"],
  ],
  properties: v.object({
    ...salesContent.fields,
    quoteNumber: v.string(),
    type: oneOf(INVOICE_TYPES),
    issueDate: v.number(),
    /** The last day, in the organization's time zone, on which it can be accepted. */
    validUntil: v.number(),
    sentDate: v.optional(v.number()),
    sentTo: v.optional(v.string()),
    decidedDate: v.optional(v.number()),
    declineReason: v.optional(v.string()),
    paymentTerms: v.optional(oneOf(PAYMENT_TERMS)),
    notes: v.optional(v.string()),
    /** The invoice that it became. */
    invoiceId: v.optional(v.id("objects")),
    customFields: storedCustomFields,
  }),
  uniqueKeyIs: {
    field: "quoteNumber",
    errorCode: "CONFLICT",
    message: "Another quote has this number.",
  },
  columns({ customProperties: quote }) {
    const { quoteNumber, billTo } = quote;
    return {
      name: quoteNumber,
      searched: searchedTexts({ quoteNumber, ...searchedParty(billTo), notes: quote.notes }),
      lookupKey: numberKey(quoteNumber),
      ...salesColumns(quote),
      documentDate: quote.issueDate,
      dueAt: quote.validUntil,
    };
  },
  withoutPerson: ({ customProperties }, personId) => withoutAddressee(customProperties, personId),
  owners: salesOwners,
  filters: { ...salesFilters, quoteNumber: "lookupKey" },
  sorts: { issueDate: "documentDate", validUntil: "dueAt", number: "lookupKey" },
  portal: sentToPortal,
});
