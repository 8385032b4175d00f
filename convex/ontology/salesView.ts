import type * as z from "zod";
import { unpackCustomFields } from "../kit/customFields";
import { perPerson } from "../money/perPerson";
import type { ObjectDoc } from "./registry";
import type {
  creditNoteRecord,
  invoiceRecord,
  paymentRecord,
  quoteRecord,
  recurringInvoiceRecord,
} from "./salesRecords";

/** Documents as callers see them: the ontology record, with a caller's own fields as they were sent. */

export function invoiceView(
  invoice: ObjectDoc<"invoice">,
): z.input<ReturnType<typeof invoiceRecord>> {
  const { customProperties, ...record } = recordOf(invoice);
  const people = perPerson(customProperties.lineItems);
  return {
    ...record,
    customProperties: {
      ...customProperties,
      ...(people.length === 0 ? {} : { perPerson: people }),
    },
  };
}

export function creditNoteView(
  note: ObjectDoc<"credit_note">,
): z.input<ReturnType<typeof creditNoteRecord>> {
  return recordOf(note);
}

export function quoteView(quote: ObjectDoc<"quote">): z.input<ReturnType<typeof quoteRecord>> {
  return recordOf(quote);
}

export function recurringInvoiceView(
  recurring: ObjectDoc<"recurring_invoice">,
): z.input<ReturnType<typeof recurringInvoiceRecord>> {
  return recordOf(recurring);
}

export function paymentView(
  payment: ObjectDoc<"payment">,
): z.input<ReturnType<typeof paymentRecord>> {
  return identityOf(payment);
}

type SalesDocument = ObjectDoc<"invoice" | "credit_note" | "quote" | "recurring_invoice">;
type Shown<Document extends SalesDocument> = Omit<Identified<Document>, "customProperties"> & {
  customProperties: Omit<Document["customProperties"], "customFields"> & {
    customFields: Record<string, unknown>;
  };
};

function recordOf<Document extends SalesDocument>(document: Document): Shown<Document> {
  const { customFields, ...properties } = document.customProperties;
  const shown = { ...properties, customFields: unpackCustomFields(customFields) };
  // TypeScript does not follow a rest of a generic union.
  return { ...identityOf(document), customProperties: shown } as unknown as Shown<Document>;
}

type Identified<Document extends ObjectDoc> = Pick<
  Document,
  | "_id"
  | "organizationId"
  | "type"
  | "subtype"
  | "name"
  | "status"
  | "customProperties"
  | "version"
  | "createdBy"
  | "createdAt"
  | "updatedAt"
> & { id: Document["_id"] };

function identityOf<Document extends ObjectDoc>(document: Document): Identified<Document> {
  const { _id, organizationId, type, subtype, name, status, customProperties } = document;
  const { version, createdBy, createdAt, updatedAt } = document;
  return {
    _id,
    id: _id,
    organizationId,
    type,
    subtype,
    name,
    status,
    customProperties,
    version,
    createdBy,
    createdAt,
    updatedAt,
  };
}
