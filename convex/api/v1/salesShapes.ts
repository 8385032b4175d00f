import * as z from "zod";
import { idFilter } from "../../kit/several";
import { businessDate } from "../../kit/time";
import { paymentTerms } from "../../ontology/salesInput";
import { creditNoteRecord, invoiceRecord } from "../../ontology/salesRecords";
import { once } from "../../kit/once";

/** Schemas that several of the invoicing resources share. */

/** Filters by whom a document is for. */
export const partyFilters = once(() => ({
  contactId: idFilter(),
  crmOrganizationId: idFilter(),
}));

/** The dates of an invoice that is made from another document; now and by the terms by default. */
export const newDates = once(() =>
  z
    .strictObject({
      issueDate: businessDate().optional(),
      dueDate: businessDate().optional(),
      paymentTerms: paymentTerms().optional(),
    })
    .meta({ id: "InvoiceDates" }),
);

export const creditedInvoice = once(() =>
  z
    .object({ creditNote: creditNoteRecord(), invoice: invoiceRecord() })
    .meta({ id: "CreditedInvoice" }),
);
