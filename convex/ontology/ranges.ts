import type { OrderedQuery } from "convex/server";
import type { DataModel, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalid } from "../kit/errors";
import type { FilterColumn } from "./definition";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** Which columns each index of `objects` can filter by, and what it then sorts by. */
const INDEXES = [
  { index: "list", columns: [], sort: "createdAt" },
  { index: "list_status", columns: ["status"], sort: "createdAt" },
  { index: "list_subtype", columns: ["subtype"], sort: "createdAt" },
  { index: "list_facet", columns: ["facet"], sort: "createdAt" },
  { index: "list_status_subtype", columns: ["status", "subtype"], sort: "createdAt" },
  { index: "list_facet_status", columns: ["facet", "status"], sort: "createdAt" },
  { index: "list_facet_subtype", columns: ["facet", "subtype"], sort: "createdAt" },
  {
    index: "list_facet_status_subtype",
    columns: ["facet", "status", "subtype"],
    sort: "createdAt",
  },
  { index: "list_parentId", columns: ["parentId"], sort: "createdAt" },
  { index: "list_lookupKey", columns: ["lookupKey"], sort: "createdAt" },
  { index: "list_by_name", columns: [], sort: "name" },
  { index: "list_by_updatedAt", columns: [], sort: "updatedAt" },
] as const satisfies readonly { index: string; columns: readonly FilterColumn[]; sort: string }[];

export const SORTS = [
  "-createdAt",
  "createdAt",
  "-updatedAt",
  "updatedAt",
  "-name",
  "name",
] as const;
export type Sort = (typeof SORTS)[number];

/** By column; the values come from the type's declared filters. */
export type Filters = Partial<Record<FilterColumn, string>>;

/** The part of Convex's index range builder that a loop over columns needs. */
type EqualityRange = { eq(field: string, value: string | undefined): EqualityRange };

/** A query of `objects` whose rows are all of one type. */
type TypedRows<T extends ObjectType> = Omit<
  OrderedQuery<DataModel["objects"]>,
  "take" | "paginate"
> & {
  take(count: number): Promise<ObjectDoc<T>[]>;
  paginate(options: {
    numItems: number;
    cursor: string | null;
  }): Promise<{ page: ObjectDoc<T>[]; isDone: boolean; continueCursor: string }>;
};

/**
 * A tenant's living objects of a type, filtered and sorted by an index.
 * @throws VALIDATION_ERROR naming what exists when no index serves the combination.
 */
export function livingObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  filters: Filters,
  sort: Sort = "-createdAt",
): TypedRows<T> {
  const { index, columns } = indexFor(type, filters, sort);
  const rows = ctx.db
    .query("objects")
    .withIndex(index, (q) => {
      const living = q
        .eq("organizationId", organizationId)
        .eq("type", type)
        .eq("lifecycle", "live");
      return columns.reduce(
        (range, column) => range.eq(column, filters[column]),
        living as unknown as EqualityRange,
      ) as unknown as typeof living;
    })
    .order(sort.startsWith("-") ? "desc" : "asc");
  return rows as unknown as TypedRows<T>;
}

/** A tenant's living objects of a type that the full text finds, by relevance. */
export function matchingObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  search: string,
  { lookupKey, ...filters }: Filters,
): TypedRows<T> {
  if (lookupKey !== undefined) throw unsupported(type, "Search");
  const rows = ctx.db.query("objects").withSearchIndex("search", (q) => {
    const living = q
      .search("searchText", search)
      .eq("organizationId", organizationId)
      .eq("type", type)
      .eq("lifecycle", "live");
    return Object.entries(filters).reduce(
      (range, [column, value]) => range.eq(column, value),
      living as unknown as EqualityRange,
    ) as unknown as typeof living;
  });
  return rows as unknown as TypedRows<T>;
}

function indexFor(type: ObjectType, filters: Filters, sort: Sort): (typeof INDEXES)[number] {
  const wanted = Object.keys(filters).sort().join();
  const field = sort.replace("-", "");
  const found = INDEXES.find(
    (index) => index.sort === field && [...index.columns].sort().join() === wanted,
  );
  if (!found) throw unsupported(type, `sort=${sort}`);
  return found;
}

function unsupported(type: ObjectType, what: string): Error {
  const filters = objectTypes[type].filters as Record<string, FilterColumn>;
  const nameOf = (column: FilterColumn): string | undefined =>
    Object.keys(filters).find((filter) => filters[filter] === column);
  const combinations = INDEXES.flatMap(({ columns, sort }) => {
    const names = columns.map(nameOf);
    return names.includes(undefined) ? [] : [`${names.join("+") || "no filter"} by ${sort}`];
  });
  const message = `${what} does not go with these filters. There are: ${combinations.join("; ")}.`;
  return invalid([{ path: "query", message }]);
}
