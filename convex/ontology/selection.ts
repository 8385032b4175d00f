import type { Doc } from "../_generated/dataModel";
import type { FilterColumn } from "./columnNames";
import type { RangeColumn, SortColumn } from "./definition";
import type { ObjectType } from "./registry";
import { termsOf } from "./terms";

/** What a list of objects is asked for: filters, ranges, an order, and whether archived ones too. */
export type Selection = {
  filters: Filters;
  /** By the filters of several values that the type has (`terms` of its definition), any of these. */
  terms?: Terms;
  ranges: Ranges;
  sort: Sort;
  includeArchived: boolean;
};

/** By column, the values of which any will do; they come from the type's declared filters. */
export type Filters = Partial<Record<FilterColumn, readonly string[]>>;

export type Terms = Record<string, readonly string[]>;

/** From `from` up to and with `to`, in milliseconds since the epoch. */
export type Range = { from?: number | undefined; to?: number | undefined };
export type Ranges = Partial<Record<RangeColumn, Range>>;

export type Sort = { column: SortColumn; order: "asc" | "desc" };

export const NEWEST_FIRST: Sort = { column: "createdAt", order: "desc" };
export const OLDEST_FIRST: Sort = { column: "createdAt", order: "asc" };

export type FilterValues = Partial<Record<FilterColumn, string | undefined>>;

/** The filters of which a value is given. */
export function filtersOf(given: FilterValues): Filters {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([column, value]) => [column, [value]]));
}

/** A selection of living objects, in which everything that is not said is left open. */
export function selectionOf(
  filters: Filters,
  {
    sort = NEWEST_FIRST,
    ranges = {},
    terms = {},
    includeArchived = false,
  }: Partial<Selection> = {},
): Selection {
  return { filters, ranges, terms, sort, includeArchived };
}

/** Whether an object is one of those that are selected, whatever index led to it. */
export function isSelected(
  object: Doc<"objects">,
  type: ObjectType,
  { filters, ranges, terms = {}, includeArchived }: Selection,
): boolean {
  const { lifecycle } = object;
  if (object.type !== type || lifecycle === "deleted") return false;
  if (lifecycle === "archived" && !includeArchived) return false;
  const isFiltered = entriesOf(filters).every(([column, values]) => {
    const value = object[column];
    return value !== undefined && values.includes(value);
  });
  const hasTerms = Object.entries(terms).every(([filter, values]) =>
    termsOf(object, filter).some((value) => values.includes(value)),
  );
  return (
    isFiltered &&
    hasTerms &&
    entriesOf(ranges).every(([column, range]) => isWithin(object[column], range))
  );
}

function isWithin(at: number | undefined, { from, to }: Range): boolean {
  return at !== undefined && (from === undefined || at >= from) && (to === undefined || at <= to);
}

/** The entries that are given, with the names that the type of the record says. */
export function entriesOf<Name extends string, Value>(
  record: Partial<Record<Name, Value>>,
): [Name, Value][] {
  const entries = Object.entries(record) as [Name, Value | undefined][];
  return entries.filter((entry): entry is [Name, Value] => entry[1] !== undefined);
}
