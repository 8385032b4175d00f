import { type Infer, v } from "convex/values";

/**
 * A caller's own fields: any Unicode key, any JSON value. Convex allows only ASCII field names, at
 * every depth, so a field is stored as its key and its value's JSON text.
 */
export const storedCustomFields = v.array(v.object({ key: v.string(), json: v.string() }));
export type StoredCustomFields = Infer<typeof storedCustomFields>;

/** Whether a value that was read without its type has the form of stored fields. */
export function areStoredCustomFields(value: unknown): value is StoredCustomFields {
  return Array.isArray(value) && value.every(isStoredField);
}

function isStoredField(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { key, json } = value as { key?: unknown; json?: unknown };
  return typeof key === "string" && typeof json === "string";
}

export function packCustomFields(fields: Record<string, unknown>): StoredCustomFields {
  return Object.entries(fields).map(([key, value]) => ({ key, json: JSON.stringify(value) }));
}

export function unpackCustomFields(
  stored: StoredCustomFields | undefined,
): Record<string, unknown> {
  return Object.fromEntries(
    (stored ?? []).map(({ key, json }) => [key, JSON.parse(json) as unknown]),
  );
}
