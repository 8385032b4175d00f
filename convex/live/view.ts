import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { type NestedView, nestedViewOf, type RecordView } from "../ontology/view";
import { passed } from "./names";

/** A record's view as a live function can answer it, with its fields in `customProperties`. */
export function liveViewOf<T extends ObjectType>(object: ObjectDoc<T>): NestedView<T> {
  const view = nestedViewOf(object) as RecordView;
  const { customProperties = {} } = view;
  return { ...view, customProperties: passed(customProperties) } as NestedView<T>;
}
