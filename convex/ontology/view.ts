import type { Value } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { objectTypes } from "../types";
import { definitionOf } from "./derived";
import type { FieldMap, HiddenOf, NameOf, Shown } from "./fields";
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

type Mapped = {
  type: string;
  subtypes: readonly string[];
  statuses: readonly string[];
  map: { fields: FieldMap; shape: "nested" | "flat" };
};
type Identified<D extends Mapped> = {
  _id: Id<"objects">;
  id: Id<"objects">;
  organizationId: Id<"organizations">;
  type: D["type"];
  createdBy: string;
  version: number;
  createdAt: number;
  updatedAt: number;
} & Omit<{ subtype: D["subtypes"][number]; status: D["statuses"][number] }, HiddenOf<D["map"]>> &
  (D["map"] extends { isDescribed: true } ? { description: string | null } : unknown);
/** Every record has a name, under the word that its type has for it, or for itself alone. */
type Named<D extends Mapped> =
  "name" extends HiddenOf<D["map"]> ? unknown : { [Name in NameOf<D["map"]>]: string };
type OwnFields<D extends Mapped> = "customFields" extends keyof D["map"]["fields"]
  ? { customFields: Record<string, Value> }
  : unknown;

type MappedView<D extends Mapped> = Identified<D> &
  Named<D> &
  (D["map"]["shape"] extends "flat"
    ? Shown<D["map"]["fields"]> & OwnFields<D>
    : { customProperties: Shown<D["map"]["fields"]> });

/** A record with its fields in `customProperties`; of a flat one, those that have a value. */
export type NestedView<T extends ObjectType> = T extends MappedName
  ? (typeof objectTypes)[T]["map"]["shape"] extends "flat"
    ? Identified<(typeof objectTypes)[T]> & {
        name: string;
        customProperties: Given<Shown<(typeof objectTypes)[T]["map"]["fields"]>> &
          OwnFields<(typeof objectTypes)[T]>;
      }
    : ViewOf<T>
  : ViewOf<T>;
type Given<Fields> = { [F in keyof Fields]?: Exclude<Fields[F], null> };

/**
 * The one view of an object, which REST, live functions, webhooks, sync and exports stand on: the record as
 * its route shows it. Nothing of how it is stored is in it, and all of it is JSON.
 */
export function viewOf<T extends ObjectType>(object: ObjectDoc<T>): ViewOf<T> {
  const { map } = definitionOf(object.type);
  if (map) return mappedView(map, object) as ViewOf<T>;
  const view = byHand[object.type as keyof ByHand] as (object: ObjectDoc) => ViewOf<T>;
  return view(object);
}

/**
 * The same record with its fields in `customProperties`, whatever the type: as live functions and devices
 * have it, where the routes of contacts and CRM organizations show it flat.
 */
export function nestedViewOf<T extends ObjectType>(object: ObjectDoc<T>): NestedView<T> {
  const view = viewOf(object) as RecordView;
  const { map } = definitionOf(object.type);
  if (map?.shape !== "flat") return view as NestedView<T>;
  const { [map.nameAs ?? "name"]: _name, ...others } = view;
  const entries = Object.entries<Value>({ ...others, name: object.name });
  const beside = entries.filter(([name]) => BESIDE_FIELDS.has(name));
  const given = entries.filter(([name, value]) => !BESIDE_FIELDS.has(name) && value !== null);
  return {
    ...Object.fromEntries(beside),
    customProperties: Object.fromEntries(given),
  } as NestedView<T>;
}

const BESIDE_FIELDS = new Set([
  ...["_id", "id", "organizationId", "type", "subtype", "name", "description", "status"],
  ...["createdBy", "version", "createdAt", "updatedAt"],
]);

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
