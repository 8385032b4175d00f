import { v } from "convex/values";
import { storedCustomFields } from "../kit/customFields";
import { WRITTEN, defineObjectType } from "./definition";
import { bookingTallies } from "./sales";
import { searchedTexts } from "./searchedTexts";
import { linkTo, numberKey, partyColumns, salesContent, searchedParty } from "./salesDocument";

/** Takes back an invoice or a part of it, under a number of its own. It is final once issued. */
export const creditNoteType = defineObjectType({
  type: "credit_note",
  resource: "credit note",
  area: "invoices",
  subtypes: ["full", "partial"],
  statuses: ["issued"],
  verbs: [...WRITTEN, "sent", "undelivered"],
  properties: v.object({
    ...salesContent.fields,
    creditNoteNumber: v.string(),
    invoiceId: v.id("objects"),
    invoiceNumber: v.string(),
    issueDate: v.number(),
    bookingMonth: v.string(),
    reason: v.optional(v.string()),
    customFields: storedCustomFields,
  }),
  uniqueKeyIs: {
    field: "creditNoteNumber",
    errorCode: "CONFLICT",
    message: "Another credit note has this number.",
  },
  columns({ customProperties: note }) {
    const { creditNoteNumber, invoiceNumber, billTo, lineItems } = note;
    const party = partyColumns(billTo, lineItems);
    return {
      name: creditNoteNumber,
      searched: searchedTexts({
        creditNoteNumber,
        ...searchedParty({ name: billTo.name }),
        invoiceNumber,
        reason: note.reason,
      }),
      lookupKey: numberKey(creditNoteNumber),
      facet: note.currency,
      ...party,
      subjectId: note.invoiceId,
      documentDate: note.issueDate,
      links: [
        ...party.links,
        ...linkTo("credits", note.invoiceId),
        ...linkTo("for_project", note.projectId),
      ],
    };
  },
  owners: { parentId: "crm_contact", relatedId: "crm_organization", subjectId: "invoice" },
  filters: {
    contactId: "parentId",
    crmOrganizationId: "relatedId",
    invoiceId: "subjectId",
    currency: "facet",
    creditNoteNumber: "lookupKey",
  },
  sorts: { issueDate: "documentDate", number: "lookupKey" },
  portal: { through: ["billed_to"], hides: ["customFields"] },
  tallies({ customProperties: note }) {
    const { bookingMonth: month, currency, billTo, projectId, taxes } = note;
    const sums = {
      creditNotes: 1n,
      creditedNet: BigInt(note.netAmountInCents),
      creditedTax: BigInt(note.taxAmountInCents),
    };
    const { contactId, crmOrganizationId } = billTo;
    const owners = { contactId, crmOrganizationId, projectId };
    return bookingTallies({ month, currency, invoices: 0, sums, taxes, sign: -1, ...owners });
  },
});
