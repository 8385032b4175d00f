import type { SyncedType } from "./synced";
import { syncedContact, syncedCrmOrganization } from "./syncedCrm";
import { syncedProject } from "./syncedProjects";
import type { SyncedObjectType } from "./syncedRecord";
import {
  syncedCreditNote,
  syncedInvoice,
  syncedPayment,
  syncedQuote,
  syncedRecurringInvoice,
} from "./syncedSales";

/**
 * Every synced type, each after those that it refers to: the order in which one push makes them, and
 * the reverse of that in which it deletes.
 */
export const syncedTypes: Record<SyncedObjectType, SyncedType> = {
  crm_organization: syncedCrmOrganization,
  crm_contact: syncedContact,
  project: syncedProject,
  quote: syncedQuote,
  recurring_invoice: syncedRecurringInvoice,
  invoice: syncedInvoice,
  credit_note: syncedCreditNote,
  payment: syncedPayment,
};

const ORDER = Object.keys(syncedTypes);

export function rankOf(type: SyncedObjectType): number {
  return ORDER.indexOf(type);
}
