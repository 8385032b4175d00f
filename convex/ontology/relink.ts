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

/** Which of an object's references name one of two objects, and nothing else of what it says. */
export type References = string;

export function referencesTo(object: ObjectDoc, ids: Id<"objects">[]): References {
  return referencesIn(object.customProperties, ids);
}

export function referencesIn(properties: Value, ids: Id<"objects">[]): References {
  return JSON.stringify(outlineOf(properties, ids));
}

/** A `relink` that was made of an object, and what its references named before. */
export type Relinked = { references: References; from: Id<"objects">; to: Id<"objects"> };

/**
 * Lets the references that named `undone.from` before a `relink` name it again, and no others.
 * `later` are the relinks of this object since then, oldest first; answers what the references of
 * each named before it, now that the undone one has never been.
 */
export async function relinkBack<T extends ObjectType>(
  store: ObjectStore,
  object: ObjectDoc<T>,
  undone: Relinked,
  later: readonly Relinked[],
): Promise<References[]> {
  const { properties, references } = withoutRelink(object.customProperties, undone, later);
  await store.update(object, { customProperties: properties as Properties<T> }, "relinked");
  return references;
}

/**
 * What later relinks made of a place cannot be told from what an earlier one made of it where both
 * led to the same object. So they are taken back, newest first, and then made again without it.
 */
export function withoutRelink(
  now: Value,
  undone: Relinked,
  later: readonly Relinked[],
): { properties: Value; references: References[] } {
  let properties = now;
  for (const each of [...later].reverse()) properties = before(properties, each);
  properties = before(properties, undone);
  const references: References[] = [];
  for (const { from, to } of later) {
    references.push(referencesIn(properties, [from, to]));
    properties = replaced(properties, from, to);
  }
  return { properties, references };
}

function before(now: Value, { references, from, to }: Relinked): Value {
  return restored(now, JSON.parse(references) as Value, from, to);
}

/** A value with null for everything that does not hold one of the ids. */
function outlineOf(value: Value, ids: string[]): Value {
  if (Array.isArray(value)) return value.map((entry: Value) => outlineOf(entry, ids));
  if (!isRecord(value)) return typeof value === "string" && ids.includes(value) ? value : null;
  const entries = Object.entries(value).map(([field, entry]) => [field, outlineOf(entry, ids)]);
  return Object.fromEntries(entries.filter(([, entry]) => entry !== null)) as Value;
}

function restored(now: Value, outline: Value, from: string, to: string): Value {
  if (Array.isArray(now) && Array.isArray(outline)) {
    if (now.includes(to)) return restoredIds(now, outline, to);
    // Of lines that came or went since, none can be told to be the one that named it.
    if (now.length !== outline.length) return now;
    return now.map((entry: Value, index) => restored(entry, outline[index] ?? null, from, to));
  }
  if (isRecord(now) && isRecord(outline)) {
    const entries = Object.entries(now).map(([field, entry]) => [
      field,
      restored(entry, outline[field] ?? null, from, to),
    ]);
    return Object.fromEntries(entries) as Value;
  }
  return now === to && outline === from ? from : now;
}

/** Where a list of ids named both, each goes back to its place. */
function restoredIds(now: Value[], outline: Value[], to: string): Value[] {
  const others = now.filter((entry) => entry !== to);
  const before = outline.flatMap((entry) => (entry === null ? others.splice(0, 1) : [entry]));
  return [...before, ...others];
}

function isRecord(value: Value): value is Record<string, Value> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof ArrayBuffer)
  );
}

export function replaced(value: Value, from: string, to: string): Value {
  if (value === from) return to;
  if (Array.isArray(value)) {
    const list = value.map((entry: Value) => replaced(entry, from, to));
    // A list that named both names the one once.
    return list.filter((entry, index) => entry !== to || list.indexOf(to) === index);
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([field, entry]) => [field, replaced(entry, from, to)]));
}
