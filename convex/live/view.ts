import type { Value } from "convex/values";
import { definitionOf } from "../ontology/derived";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import {
  type NestedView,
  nestedViewOf,
  type RecordView,
  viewOf,
  type ViewOf,
} from "../ontology/view";
import { passed } from "./names";

/**
 * A record as live functions answer it: as its route does, and that of a flat one with its fields in
 * `customProperties` too, where the documented structure has them.
 */
export type LiveView<T extends ObjectType> = ViewOf<T> & NestedView<T>;

export function liveViewOf<T extends ObjectType>(object: ObjectDoc<T>): LiveView<T> {
  const { customProperties = {} } = nestedViewOf(object) as RecordView;
  const isFlat = definitionOf(object.type).map?.shape === "flat";
  const view = viewOf(object) as RecordView;
  const fields = isFlat ? passedFields(view) : view;
  return { ...fields, customProperties: passed(customProperties) } as LiveView<T>;
}

/** The same without what is said twice: where many are shown at once. */
export type LiveRecord<T extends ObjectType> = ViewOf<T>;

export function liveRecordOf<T extends ObjectType>(object: ObjectDoc<T>): LiveRecord<T> {
  return passedFields(viewOf(object) as RecordView) as LiveRecord<T>;
}

/** Of a flat record, what a caller named. */
function passedFields({ customFields, ...view }: RecordView): Record<string, Value> {
  return customFields === undefined ? view : { ...view, customFields: passed(customFields) };
}
