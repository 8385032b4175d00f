import type { Value } from "convex/values";
import { sha256Hex } from "../kit/tokens";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { type RecordView, type NestedView, nestedViewOf } from "../ontology/view";

/**
 * A record's view as a live function can answer it, its fields in `customProperties`. What Convex does not
 * pass is written in another way: names of fields that are not ASCII are percent-encoded (`decodeURIComponent` gives
 * them back), and a value that is too wide for it is its JSON text.
 */
export function liveViewOf<T extends ObjectType>(object: ObjectDoc<T>): NestedView<T> {
  const view = nestedViewOf(object) as RecordView;
  const { customProperties = {} } = view;
  return { ...view, customProperties: passable(customProperties) } as NestedView<T>;
}

/** https://docs.convex.dev/database/types: of an array's entries, an object's fields, a name's characters. */
const MAX_ENTRIES = 8192;
const MAX_FIELDS = 1024;
const MAX_NAME = 1024;

function passable(value: Value): Value {
  if (Array.isArray(value)) {
    return value.length > MAX_ENTRIES ? JSON.stringify(value) : value.map(passable);
  }
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  const entries = Object.entries(value);
  if (entries.length > MAX_FIELDS) return JSON.stringify(value);
  const named = entries.map(([name, entry]) => [passableName(name), passable(entry as Value)]);
  return Object.fromEntries(named) as Value;
}

function passableName(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name) && !name.startsWith("$") && !name.includes("%")) return name;
  const encoded = name.replace(/[^\x20-\x7e]+|^\$|%/g, encodeURIComponent);
  if (encoded.length <= MAX_NAME) return encoded;
  // The rest of it is told by no more than that it is another.
  return `${encoded.slice(0, MAX_NAME - 20)}~${sha256Hex(name).slice(0, 16)}`;
}
