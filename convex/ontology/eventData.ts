import { compareValues, type Value } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { sentName } from "./fields";
import { definitionOf } from "./derived";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";
import { type RecordView, viewOf } from "./view";

/**
 * What an event says of an object: its view. It is kept as JSON text, since a caller's own fields may
 * have any name and Convex's may not, and without what has no value.
 */
export function eventDataOf(object: ObjectDoc, details?: Value): string {
  return textOf(object, viewOf(object) as RecordView, details);
}

/**
 * The same of a change, with what it changed of the view, as it was before; null for what was not there.
 */
export function changeDataOf(
  object: ObjectDoc,
  before: ObjectDoc,
): { data: string; previous: string } {
  const [was, is] = [viewOf(before), viewOf(object)] as [RecordView, RecordView];
  const previous = JSON.stringify(differing(was, is, ["version", "updatedAt"]));
  return { data: textOf(object, is), previous };
}

function textOf({ deletedAt }: ObjectDoc, view: RecordView, details?: Value): string {
  const said = { ...view, ...(deletedAt ? { deletedAt } : {}) };
  return JSON.stringify(withoutNull(details === undefined ? said : { ...said, details }));
}

type Event = Pick<Doc<"events">, "data" | "previous" | "objectType">;

/** An event's data as it is told. Those of earlier versions are objects, of another form. */
export function dataIn({ data, objectType }: Event): RecordView {
  if (typeof data !== "string") return (data ?? {}) as RecordView;
  return { ...nullsOf(objectType), ...(JSON.parse(data) as RecordView) };
}

/** What was before the change that an event tells of; undefined where it tells of none. */
export function previousIn({ previous }: Event): RecordView | undefined {
  if (typeof previous !== "string") return previous as RecordView | undefined;
  return JSON.parse(previous) as RecordView;
}

/** The names of the fields that changed, wherever they stand in the record, by the alphabet. */
export function changedFieldsIn(event: Event): string[] {
  const { customProperties, ...others } = previousIn(event) ?? {};
  const nested = isRecord(customProperties) ? Object.keys(customProperties) : [];
  return [...Object.keys(others), ...nested].sort();
}

/** A field of the record, wherever it stands in it. */
export function fieldIn(record: RecordView | undefined, name: string): Value | undefined {
  const { customProperties } = record ?? {};
  if (isRecord(customProperties)) return ownValue(customProperties, name);
  return record && ownValue(record, name);
}

function withoutNull(view: RecordView): RecordView {
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== null));
}

/** Of a record's own fields, and of those in its `customProperties`, each that differs. */
function differing(
  before: RecordView,
  after: RecordView,
  ignored: readonly string[] = [],
): RecordView {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const entries = [...names].flatMap((name): [string, Value][] => {
    const [was, is] = [ownValue(before, name), ownValue(after, name)];
    if (ignored.includes(name) || compareValues(was, is) === 0) return [];
    const isNested = name === "customProperties" && isRecord(was) && isRecord(is);
    return [[name, isNested ? differing(was, is) : was]];
  });
  return Object.fromEntries(entries);
}

/** A caller's own field may be called `toString`. */
function ownValue(record: RecordView, name: string): Value {
  return Object.hasOwn(record, name) ? (record[name] ?? null) : null;
}

function isRecord(value: Value | undefined): value is RecordView {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the records of a type say of fields that have no value. */
function nullsOf(objectType: string): RecordView {
  const map = Object.hasOwn(objectTypes, objectType)
    ? definitionOf(objectType as ObjectType).map
    : undefined;
  if (!map) return {};
  const described: RecordView = map.isDescribed ? { description: null } : {};
  if (map.shape !== "flat") return described;
  const shown = Object.entries(map.fields).filter(([, { nature }]) => nature.kind !== "internal");
  const names = [...shown.map(([name]) => sentName(map, name)), ...Object.keys(map.computed ?? {})];
  return { ...described, ...Object.fromEntries(names.map((name) => [name, null])) };
}
