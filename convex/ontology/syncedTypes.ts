import { objectTypes } from "../types";
import type { SyncedType } from "./synced";
import { syncedContact } from "./syncedCrm";
import { syncedMapped } from "./syncedMapped";
import { isSyncedType, type SyncedObjectType } from "./syncedRecord";
import {
  syncedCreditNote,
  syncedInvoice,
  syncedPayment,
  syncedQuote,
  syncedRecurringInvoice,
} from "./syncedSales";

/** Of the types whose records are made by rules of their own. */
const byHand: Partial<Record<SyncedObjectType, SyncedType>> = {
  crm_contact: syncedContact,
  quote: syncedQuote,
  recurring_invoice: syncedRecurringInvoice,
  invoice: syncedInvoice,
  credit_note: syncedCreditNote,
  payment: syncedPayment,
};

/**
 * Every synced type, each after those that it refers to: the order in which one push makes them, and
 * the reverse of that in which it deletes.
 */
const ORDER = (Object.keys(objectTypes) as (keyof typeof objectTypes)[]).filter(isSyncedType);

export const syncedTypes = Object.fromEntries(
  ORDER.map((type) => [type, byHand[type] ?? syncedMapped(type)]),
) as Record<SyncedObjectType, SyncedType>;

export function rankOf(type: SyncedObjectType): number {
  return ORDER.indexOf(type);
}
