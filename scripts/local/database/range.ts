/** Turns the bounds of `withIndex` into a range of keys, and refuses what Convex refuses. */
import type { JSONValue } from "convex/values";
import { afterPrefix, encodeKey } from "./keys";
import { printValue } from "./print";
import type { RangeBoundJson } from "./types";

/** `low <= key < high`. */
export type KeyRange = { low: string; high: string };

type Bound = { key: string; inclusive: boolean };

const COMPARATORS = { Gt: ">", Gte: ">=", Lt: "<", Lte: "<=" } as const;

export function keyRange(
  indexName: string,
  fields: readonly string[],
  bounds: readonly RangeBoundJson[],
): KeyRange {
  const { equalities, field: bounded, lower, upper } = splitBounds(indexName, bounds);
  checkFields(indexName, fields, equalities, bounded);
  let prefix = "";
  for (const field of fields.slice(0, equalities.size)) prefix += equalities.get(field) ?? "";
  return {
    low: lower === null ? prefix : prefix + (lower.inclusive ? lower.key : afterPrefix(lower.key)),
    high:
      upper === null
        ? afterPrefix(prefix)
        : prefix + (upper.inclusive ? afterPrefix(upper.key) : upper.key),
  };
}

function splitBounds(
  indexName: string,
  bounds: readonly RangeBoundJson[],
): {
  equalities: Map<string, string>;
  field: string | null;
  lower: Bound | null;
  upper: Bound | null;
} {
  const equalities = new Map<string, string>();
  let field: string | null = null;
  let lower: Bound | null = null;
  let upper: Bound | null = null;
  for (const { type, fieldPath, value } of bounds) {
    const key = encodeKey(value);
    if (type === "Eq") {
      if (equalities.has(fieldPath)) throw alreadyBound("equality", fieldPath, "==", value);
      equalities.set(fieldPath, key);
      continue;
    }
    const isUpper = type === "Lt" || type === "Lte";
    if ((isUpper ? upper : lower) !== null) {
      throw alreadyBound(isUpper ? "upper" : "lower", fieldPath, COMPARATORS[type], value);
    }
    if (field !== null && field !== fieldPath) {
      throw new Error(
        "Upper and lower bounds in `range` can only be applied to a single index field. This " +
          `query against index ${indexName} attempted to set a range bound on both "${field}" ` +
          `and "${fieldPath}". Consider using \`filter\` instead. See ` +
          "https://docs.convex.dev/using/indexes for more info.",
      );
    }
    field = fieldPath;
    const bound = { key, inclusive: type === "Gte" || type === "Lte" };
    if (isUpper) upper = bound;
    else lower = bound;
  }
  if (field !== null && equalities.has(field)) {
    const equal = bounds.find((bound) => bound.type === "Eq" && bound.fieldPath === field);
    throw alreadyBound("inequality", field, "==", equal?.value ?? null);
  }
  return { equalities, field, lower, upper };
}

function alreadyBound(kind: string, field: string, comparator: string, value: JSONValue): Error {
  return new Error(
    `Already defined ${kind} bound in index range. Can't add "${field}" ${comparator} ` +
      `${printValue(value)}.`,
  );
}

/** Equalities must name the first fields of the index, in any order, and bounds the next one. */
function checkFields(
  indexName: string,
  fields: readonly string[],
  equalities: ReadonlyMap<string, string>,
  inequality: string | null,
): void {
  const used = [...equalities.keys(), ...(inequality === null ? [] : [inequality])];
  const unknown = used.find((field) => !fields.includes(field));
  if (unknown !== undefined) {
    throw new Error(
      `The index range included a comparison with "${unknown}", but ${indexName} with fields ` +
        `[${fields.map((field) => JSON.stringify(field)).join(", ")}] doesn't index this field. ` +
        "For more information see https://docs.convex.dev/using/indexes.",
    );
  }
  const expected = new Set(fields.slice(0, equalities.size));
  const wrong =
    [...equalities.keys()].find((field) => !expected.has(field)) ??
    (inequality !== null && fields[equalities.size] !== inequality ? inequality : undefined);
  if (wrong === undefined) return;
  throw new Error(
    `Tried to query index ${indexName} but the query didn't use the index fields in order.\n` +
      `Index fields: [${fields.join(", ")}]\n` +
      `Query fields: [${used.join(", ")}]\n` +
      `First incorrect field: ${wrong}\n` +
      "For more information see https://docs.convex.dev/using/indexes.",
  );
}
