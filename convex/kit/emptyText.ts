import * as z from "zod";
import { isInvisible } from "./invisible";

/**
 * What forms send for a field that was left empty: an empty text. Of an optional field it is nothing,
 * as if the field had not been sent. A change is another matter, where a field that is not sent stays
 * as it is: there it clears what `null` would clear, and any other field judges it itself.
 */
export function withoutEmptyText(schema: z.ZodType, value: unknown, isChange: boolean): unknown {
  const { inner } = unwrapped(schema);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    const element = inner.element as z.ZodType;
    // What stands in a list is whole by itself, also where the list changes something.
    return value.map((item) => withoutEmptyText(element, item, false));
  }
  if (!(inner instanceof z.ZodObject) || !isRecord(value)) return value;
  const shape = inner.shape as Record<string, z.ZodType>;
  const entries = Object.entries(value).flatMap(([name, given]): [string, unknown][] => {
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (!field) return [[name, given]];
    if (!saysNothing(given)) return [[name, withoutEmptyText(field, given, isChange)]];
    const { isOptional, isNullable } = unwrapped(field);
    if (!isOptional) return [[name, given]];
    if (!isChange) return [];
    return [[name, isNullable ? null : given]];
  });
  return Object.fromEntries(entries);
}

/** Also where what it consists of is seen by nobody. */
function saysNothing(given: unknown): boolean {
  return typeof given === "string" && isInvisible(given);
}

type Unwrapped = { inner: z.ZodType; isOptional: boolean; isNullable: boolean };

/** Of one schema always the same, and asked of each of its fields for each body. */
const known = new WeakMap<z.ZodType, Unwrapped>();

function unwrapped(schema: z.ZodType): Unwrapped {
  const found = known.get(schema) ?? unwrap(schema);
  known.set(schema, found);
  return found;
}

function unwrap(schema: z.ZodType): Unwrapped {
  let [inner, isOptional, isNullable] = [schema, false, false];
  for (;;) {
    if (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) isOptional = true;
    else if (inner instanceof z.ZodNullable) isNullable = true;
    else if (!(inner instanceof z.ZodPipe)) return { inner, isOptional, isNullable };
    inner = (inner instanceof z.ZodPipe ? inner.in : inner.unwrap()) as z.ZodType;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
