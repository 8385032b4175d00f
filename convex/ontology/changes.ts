import { compareValues, type Value } from "convex/values";
import type { Change } from "./effects";
import type { ObjectDoc } from "./registry";

/** What an audit entry compares: everything that a caller can change, property by property. */
export function auditedFields(
  object: Pick<ObjectDoc, "name" | "subtype" | "status" | "description" | "customProperties">,
): Record<string, Value> {
  const { name, subtype, status, description, customProperties } = object;
  return definedOnly({ name, subtype, status, description, ...customProperties });
}

export function changesBetween(
  before: Record<string, Value>,
  after: Record<string, Value>,
): Change[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...fields]
    .filter((field) => compareValues(before[field], after[field]) !== 0)
    .map((field) => definedOnly({ field, before: before[field], after: after[field] }) as Change);
}

export function definedOnly(fields: Record<string, Value | undefined>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}
