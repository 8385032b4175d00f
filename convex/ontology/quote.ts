import * as z from "zod";
import { zid } from "convex-helpers/server/zod4";
import { storedCustomFields } from "../kit/customFields";
import { defineObjectType } from "./definition";
import {
  INVOICE_TYPES,
  numberKey,
  PAYMENT_TERMS,
  salesColumns,
  salesContent,
  salesFilters,
  sentToPortal,
  withoutAddressee,
} from "./salesDocument";

/** An offer with a price, which becomes an invoice when it is accepted. */
export const quoteType = defineObjectType({
  type: "quote",
  resource: "quote",
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
  properties: salesContent.extend({
    quoteNumber: z.string(),
    type: z.enum(INVOICE_TYPES),
    issueDate: z.number(),
    /** The last day, in the organization's time zone, on which it can be accepted. */
    validUntil: z.number(),
    sentDate: z.number().optional(),
    sentTo: z.string().optional(),
    decidedDate: z.number().optional(),
    declineReason: z.string().optional(),
    paymentTerms: z.enum(PAYMENT_TERMS).optional(),
    notes: z.string().optional(),
    /** The invoice that it became. */
    invoiceId: zid("objects").optional(),
    customFields: storedCustomFields,
  }),
  uniqueKeyIs: {
    path: "body.quoteNumber",
    errorCode: "CONFLICT",
    message: "Another quote has this number.",
  },
  columns({ customProperties: quote }) {
    const { quoteNumber, billTo } = quote;
    return {
      name: quoteNumber,
      searchText: [quoteNumber, billTo.name, billTo.email, quote.notes].filter(Boolean).join(" "),
      lookupKey: numberKey(quoteNumber),
      ...salesColumns(quote),
      documentDate: quote.issueDate,
      dueAt: quote.validUntil,
    };
  },
  withoutPerson: ({ customProperties }, personId) => withoutAddressee(customProperties, personId),
  filters: { ...salesFilters, quoteNumber: "lookupKey" },
  sorts: { issueDate: "documentDate", validUntil: "dueAt", number: "lookupKey" },
  portal: sentToPortal,
});
