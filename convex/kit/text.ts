import * as z from "zod";
import type { Problem } from "./errors";
import { oneLine, withoutInvisible } from "./invisible";
import { once } from "./once";

const TOO_LARGE = "is too large a number; send it as text";

/** Deeper than any schema of ours; a body nested deeper is refused before it is looked at. */
const MAX_DEPTH = 32;

const notEmpty = once(() => z.minLength(1, "must not be empty"));

type ByLength = Map<number, z.ZodString>;
const texts: ByLength = new Map();
const labels: ByLength = new Map();
const lineLabels: ByLength = new Map();

/** A trimmed, non-empty string of at most `max` UTF-16 units. */
export function text(max: number): z.ZodString {
  return ofLength(texts, max, () => z.string().check(z.trim(), notEmpty(), atMost(max)));
}

/**
 * A name, number or word that people compare: what nobody sees in it is not kept (invisible.ts), so
 * that two that look alike are alike. Ids of other systems are `text`: they stay as they are.
 */
export function label(max: number): z.ZodString {
  return ofLength(labels, max, () =>
    z.string().check(z.overwrite(withoutInvisible), z.trim(), notEmpty(), atMost(max)),
  );
}

/**
 * A label on one line: a break or another control character is a space. Names of people, devices and keys stand
 * in lists, subjects of letters and logs; those of business objects stay as a file had them.
 */
export function lineLabel(max: number): z.ZodString {
  return ofLength(lineLabels, max, () =>
    z.string().check(z.overwrite(oneLine), z.trim(), notEmpty(), atMost(max)),
  );
}

/** Text that keeps its line breaks and outer white space, such as notes. */
export function longText(max: number): z.ZodString {
  return z.string().check(atMost(max));
}

function atMost(max: number): z.core.$ZodCheck<string> {
  return z.maxLength(max, `must have at most ${max} characters`);
}

/** Most schemas are texts: one for each length will do. */
function ofLength(known: ByLength, max: number, make: () => z.ZodString): z.ZodString {
  const schema = known.get(max) ?? make();
  known.set(max, schema);
  return schema;
}

export const webAddress = once(() =>
  z
    .string()
    .trim()
    .max(2000, "must have at most 2000 characters")
    .regex(/^https?:\/\/[^\s/$.?#][^\s]*$/i, "must be an http or https address"),
);

/**
 * The first piece of a parsed JSON value that nothing may store: NUL, a lone surrogate (not
 * Unicode text; Convex refuses it), a number that was too large for a double, or nesting beyond
 * `MAX_DEPTH`. One walk over the whole body covers every field, also those in free-form maps. (An integer
 * that was rounded as it was read is told by its text alone: jsonNumbers.ts.)
 */
export function findUnsafeValue(value: unknown, path: string, depth = 0): Problem | null {
  if (typeof value === "string") return unsafe(value, path);
  if (typeof value === "number" && !Number.isFinite(value)) return { path, message: TOO_LARGE };
  if (typeof value !== "object" || value === null) return null;
  if (depth >= MAX_DEPTH) return { path, message: `must not be nested deeper than ${MAX_DEPTH}` };
  for (const [key, child] of Object.entries(value)) {
    const problem =
      unsafe(key, path) ?? findUnsafeValue(child, path ? `${path}.${key}` : key, depth + 1);
    if (problem) return problem;
  }
  return null;
}

function unsafe(string: string, path: string): Problem | null {
  if (string.includes("\0")) return { path, message: "must not contain a NUL character" };
  if (!string.isWellFormed()) return { path, message: "must not contain a lone surrogate" };
  return null;
}
