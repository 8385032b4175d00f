import type { SortColumn } from "./definition";
import { definitionOf } from "./derived";
import type { ObjectType } from "./registry";
import type { Sort } from "./selection";

/** What every list is sorted by; types add theirs (`sorts` of their definition). */
const SORTS = {
  createdAt: "createdAt",
  updatedAt: "updatedAt",
  name: "sortName",
} as const satisfies Record<string, SortColumn>;

/** The names that a type's lists are sorted by, and the column of each. */
export function sortsOf(type: ObjectType): Record<string, SortColumn> {
  return { ...SORTS, ...definitionOf(type).sorts };
}

/** `-dueDate`: the latest first. Null for what the type is not sorted by. */
export function sortNamed(type: ObjectType, name: string): Sort | null {
  const sorts = sortsOf(type);
  const plain = name.replace(/^-/, "");
  const column = Object.hasOwn(sorts, plain) ? sorts[plain] : undefined;
  return column === undefined ? null : { column, order: name.startsWith("-") ? "desc" : "asc" };
}
