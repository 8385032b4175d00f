import { definitionOf } from "../ontology/derived";
import type { ObjectType } from "../ontology/registry";
import type { Found, Range } from "./matching";

/**
 * What is shown of a hit: plain text, and where the words of the question stand in it, in UTF-16 units.
 * Of a long text it is the part around the first of them.
 */
export type Highlight = { field: string; text: string; ranges: Range[] };

const MAX_TEXT = 240;
/** So much before the first word that was found. */
const BEFORE = 60;
const CUT = "…";

export function highlightsOf(type: ObjectType, found: readonly Found[]): Highlight[] {
  const { nameAs = "name" } = definitionOf(type).map ?? {};
  return found.map(({ field, text, ranges }) => ({
    field: field === "name" ? nameAs : field,
    ...excerptOf(text, ranges),
  }));
}

function excerptOf(text: string, ranges: readonly Range[]): Omit<Highlight, "field"> {
  if (text.length <= MAX_TEXT) return { text, ranges: [...ranges] };
  const first = ranges[0]?.[0] ?? 0;
  const start = first <= BEFORE ? 0 : boundary(text, first - BEFORE);
  const end = boundary(text, Math.min(text.length, start + MAX_TEXT));
  const [before, after] = [start > 0 ? CUT : "", end < text.length ? CUT : ""];
  const moved = ranges.flatMap(([from, to]): Range[] => {
    if (from < start || from >= end) return [];
    const by = before.length - start;
    return [[from + by, Math.min(to, end) + by]];
  });
  return { text: before + text.slice(start, end) + after, ranges: moved };
}

/** Not within a surrogate pair. */
function boundary(text: string, at: number): number {
  const isWithin =
    /[\udc00-\udfff]/.test(text.charAt(at)) && /[\ud800-\udbff]/.test(text.charAt(at - 1));
  return isWithin ? at - 1 : at;
}
