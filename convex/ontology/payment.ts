import { v } from "convex/values";
import { WRITTEN, defineObjectType } from "./definition";
import { bookingTallies } from "./sales";
import { searchedTexts } from "./searchedTexts";
import { linkTo, numberKey, partyColumns } from "./salesDocument";

/** What settles an invoice or opens it again: money received, money given back, a claim given up. */
export const paymentType = defineObjectType({
  type: "payment",
  resource: "payment",
  area: "invoices",
  subtypes: ["payment", "refund", "write_off"],
  statuses: ["recorded"],
  verbs: WRITTEN,
  properties: v.object({
    invoiceId: v.id("objects"),
    invoiceNumber: v.string(),
    currency: v.string(),
    /** Below zero for a refund, and for a write-off that is taken back. */
    amountInCents: v.number(),
    paidDate: v.number(),
    bookingMonth: v.string(),
    paymentMethod: v.optional(v.string()),
    transactionRef: v.optional(v.string()),
    reason: v.optional(v.string()),
    /** Whose invoice it is. */
    contactId: v.optional(v.id("objects")),
    crmOrganizationId: v.optional(v.id("objects")),
    projectId: v.optional(v.id("objects")),
  }),
  uniqueKeyIs: {
    field: "transactionRef",
    errorCode: "CONFLICT",
    message: "Another payment has this reference.",
  },
  columns({ subtype, customProperties: payment }) {
    const { invoiceId, invoiceNumber, transactionRef } = payment;
    const party = partyColumns(payment);
    return {
      name: transactionRef ?? `${invoiceNumber} ${subtype}`,
      searched: searchedTexts({
        transactionRef,
        invoiceNumber,
        paymentMethod: payment.paymentMethod,
      }),
      ...(transactionRef === undefined ? {} : { lookupKey: numberKey(transactionRef) }),
      facet: payment.currency,
      ...party,
      subjectId: invoiceId,
      documentDate: payment.paidDate,
      links: [...party.links, ...linkTo("settles", invoiceId)],
    };
  },
  owners: { parentId: "crm_contact", relatedId: "crm_organization", subjectId: "invoice" },
  filters: {
    type: "subtype",
    contactId: "parentId",
    crmOrganizationId: "relatedId",
    invoiceId: "subjectId",
    currency: "facet",
    transactionRef: "lookupKey",
  },
  sorts: { paidDate: "documentDate" },
  portal: { through: ["billed_to"], shows: ({ subtype }) => subtype !== "write_off" },
  tallies({ subtype, customProperties: payment }) {
    const { bookingMonth: month, currency, contactId, crmOrganizationId, projectId } = payment;
    const amount = BigInt(payment.amountInCents);
    const sums: Record<string, bigint> =
      subtype === "write_off" ? { writtenOff: amount } : { paid: amount };
    const owners = { contactId, crmOrganizationId, projectId };
    return bookingTallies({ month, currency, invoices: 0, sums, ...owners });
  },
});
