import * as z from "zod";
import { withoutInvisible } from "./invisible";
import { once } from "./once";

/** A caller's own fields as they are sent; customFields.ts says how they are stored. */
const MAX_KEYS = 100;
const MAX_KEY_LENGTH = 200;
const MAX_DEPTH = 8;
const MAX_BYTES = 32 * 1024;

// Not z.record: it passes over a key `__proto__` in silence.
export const customFields = once(() =>
  z
    .custom<Record<string, unknown>>(isObject, "must be an object")
    .superRefine((fields, context) => {
      for (const key of twinsAmong(Object.keys(fields))) {
        const message = "differs from another key in characters alone that nobody sees";
        context.addIssue({ code: "custom", path: [key], message });
      }
    })
    .overwrite(withVisibleKeys)
    .superRefine((fields, context) => {
      const keys = Object.keys(fields);
      if (keys.length > MAX_KEYS) {
        context.addIssue({ code: "custom", message: `must have at most ${MAX_KEYS} keys` });
        return;
      }
      for (const key of keys) {
        const message = keyProblem(key) ?? depthProblem(fields[key]) ?? numberProblem(fields[key]);
        if (message) context.addIssue({ code: "custom", path: [key], message });
      }
      if (new TextEncoder().encode(JSON.stringify(fields)).length > MAX_BYTES) {
        context.addIssue({ code: "custom", message: `must be at most ${MAX_BYTES} bytes of JSON` });
      }
    })
    .meta({
      type: "object",
      description:
        "Free-form fields. Keys: any Unicode text not beginning with `$` or `_`, at most 100; values: JSON nested at most 8 deep; 32 KiB in all.",
      example: { skillLevel: "senior", größe: "L" },
    }),
);

/** What nobody sees in a key is not kept, as in a tag (invisible.ts). */
function withVisibleKeys(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([key, value]) => [withoutInvisible(key), value]));
}

function twinsAmong(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(withoutInvisible(key)).size);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with the name of a field. */
export function keyProblem(key: string): string | null {
  if (key === "") return "keys must not be empty";
  if (/^[$_]/.test(key)) return "keys beginning with $ or _ are reserved";
  if (key.length > MAX_KEY_LENGTH) return `keys must have at most ${MAX_KEY_LENGTH} characters`;
  return null;
}

function depthProblem(value: unknown): string | null {
  return depthOf(value) > MAX_DEPTH ? `must not be nested deeper than ${MAX_DEPTH}` : null;
}

/** JSON.parse reads `1e999` as Infinity, which JSON cannot say back. */
function numberProblem(value: unknown): string | null {
  if (typeof value === "number") {
    return Number.isFinite(value) ? null : "must not have numbers too large to keep";
  }
  if (typeof value !== "object" || value === null) return null;
  return Object.values(value).map(numberProblem).find(Boolean) ?? null;
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
