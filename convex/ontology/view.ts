import type { Value } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { objectTypes } from "../types";
import { definitionOf } from "./derived";
import type { FieldMap, Shown } from "./fields";
import { mappedView } from "./fieldValues";
import { portalUserView } from "./frontendUserView";
import type { ObjectDoc, ObjectType } from "./registry";
import {
  creditNoteView,
  invoiceView,
  paymentView,
  quoteView,
  recurringInvoiceView,
} from "./salesView";

/** An object as callers see it. */
export type ViewOf<T extends ObjectType> = T extends keyof ByHand
  ? ReturnType<ByHand[T]>
  : T extends MappedName
    ? MappedView<(typeof objectTypes)[T]>
    : never;
type ByHand = typeof byHand;

/** The types whose records are made of a field map. */
export type MappedName = {
  [T in ObjectType]: (typeof objectTypes)[T] extends { map: { fields: FieldMap; shape: string } }
    ? T
    : never;
}[ObjectType];

type MappedView<
  D extends {
    type: string;
    subtypes: readonly string[];
    statuses: readonly string[];
    map: { fields: FieldMap; shape: "nested" | "flat" };
  },
> = {
  _id: Id<"objects">;
  id: Id<"objects">;
  organizationId: Id<"organizations">;
  type: D["type"];
  subtype: D["subtypes"][number];
  name: string;
  status: D["statuses"][number];
  createdBy: string;
  version: number;
  createdAt: number;
  updatedAt: number;
} & (D["map"] extends { isDescribed: true } ? { description: string | null } : unknown) &
  (D["map"]["shape"] extends "flat"
    ? Shown<D["map"]["fields"]> & { customFields: Record<string, Value> }
    : { customProperties: Shown<D["map"]["fields"]> });

/**
 * The one view of an object, for REST, live functions, webhooks, sync and exports: the record as its
 * route shows it. Nothing of how it is stored is in it, and all of it is JSON.
 */
export function viewOf<T extends ObjectType>(object: ObjectDoc<T>): ViewOf<T> {
  const { map } = definitionOf(object.type);
  if (map) return mappedView(map, object) as ViewOf<T>;
  const view = byHand[object.type as keyof ByHand] as (object: ObjectDoc) => ViewOf<T>;
  return view(object);
}

/** A view, whatever the type. */
export type RecordView = { [field: string]: Value };

/** Of the types whose records are not made of a field map. */
const byHand = {
  frontend_user: portalUserView,
  invoice: invoiceView,
  payment: paymentView,
  credit_note: creditNoteView,
  quote: quoteView,
  recurring_invoice: recurringInvoiceView,
};
