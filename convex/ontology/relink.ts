import type { Value } from "convex/values";
import type { Id } from "../_generated/dataModel";
import type { ObjectDoc, ObjectType, Properties } from "./registry";
import type { ObjectStore } from "./store";

/**
 * Lets an object refer to `to` wherever it refers to `from`, whatever its type: an id is an id
 * wherever it stands in the properties, and the store derives columns, links and counts from them
 * anew. What a document says in words, such as an issued invoice's addressee, stays.
 */
export async function relink<T extends ObjectType>(
  store: ObjectStore,
  object: ObjectDoc<T>,
  from: Id<"objects">,
  to: Id<"objects">,
): Promise<ObjectDoc<T>> {
  const customProperties = replaced(object.customProperties, from, to) as Properties<T>;
  return await store.update(object, { customProperties }, "relinked");
}

function replaced(value: Value, from: string, to: string): Value {
  if (value === from) return to;
  if (Array.isArray(value)) {
    const list = value.map((entry: Value) => replaced(entry, from, to));
    // A list that named both names the one once.
    return list.filter((entry, index) => entry !== to || list.indexOf(to) === index);
  }
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
  const entries = Object.entries(value as Record<string, Value>);
  return Object.fromEntries(entries.map(([field, entry]) => [field, replaced(entry, from, to)]));
}
