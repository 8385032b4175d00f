import { unpackCustomFields } from "../kit/customFields";
import { projectView } from "./projectView";
import type { ObjectDoc, ObjectType } from "./registry";
import {
  creditNoteView,
  invoiceView,
  paymentView,
  quoteView,
  recurringInvoiceView,
} from "./salesView";

/** The types that devices have copies of: all but the portal's users. */
export type SyncedObjectType = Exclude<ObjectType, "frontend_user">;
export type SyncedDoc<T extends SyncedObjectType = SyncedObjectType> = ObjectDoc<T>;

/** `data` of a pulled or pushed change: the record as the ontology has it. */
export type SyncRecord = {
  subtype: string;
  name: string;
  description?: string | null;
  status: string;
  customProperties: Record<string, unknown>;
};

type Views = { [T in SyncedObjectType]: (object: ObjectDoc<T>) => SyncRecord };

/** Where a type has a record over HTTP, devices see the same. */
const views: Views = {
  crm_contact: plainRecord,
  crm_organization: plainRecord,
  project: projectView,
  invoice: invoiceView,
  payment: paymentView,
  credit_note: creditNoteView,
  quote: quoteView,
  recurring_invoice: recurringInvoiceView,
};

export const SYNCED_TYPES = Object.keys(views) as [SyncedObjectType, ...SyncedObjectType[]];

export function isSynced(object: ObjectDoc): object is SyncedDoc {
  return object.type !== "frontend_user";
}

export function syncRecordOf(object: SyncedDoc): SyncRecord {
  const view = views[object.type] as (object: SyncedDoc) => SyncRecord;
  const { subtype, name, description, status, customProperties } = view(object);
  return {
    subtype,
    name,
    ...(description === undefined ? {} : { description }),
    status,
    customProperties,
  };
}

function plainRecord(object: SyncedDoc<"crm_contact" | "crm_organization">): SyncRecord {
  const { subtype, name, status } = object;
  // The name stands beside the properties; twice, one of the two would be out of date.
  const { customFields, ...stored } = object.customProperties;
  const properties = Object.entries(stored).filter(([field]) => field !== "name");
  const shown = {
    ...Object.fromEntries(properties),
    customFields: unpackCustomFields(customFields),
  };
  return { subtype, name, status, customProperties: shown };
}
