import { compareValues, type Value } from "convex/values";
import type { ObjectDoc } from "./registry";

/** A field that was changed, as the audit trail tells it. */
export type Change = { field: string; before?: Value; after?: Value };

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
