import { mergedStream, type QueryStream, stream } from "convex-helpers/server/stream";
import type { GenericDatabaseReader, OrderedQuery } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { invalid } from "../kit/errors";
import schema from "../schema";
import type { FilterColumn, ObjectTypeDefinition } from "./definition";
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
  { index: "list_parentId_status", columns: ["parentId", "status"], sort: "createdAt" },
  { index: "list_parentId_subtype", columns: ["parentId", "subtype"], sort: "createdAt" },
  {
    index: "list_parentId_status_subtype",
    columns: ["parentId", "status", "subtype"],
    sort: "createdAt",
  },
  { index: "list_relatedId", columns: ["relatedId"], sort: "createdAt" },
  { index: "list_relatedId_status", columns: ["relatedId", "status"], sort: "createdAt" },
  { index: "list_relatedId_subtype", columns: ["relatedId", "subtype"], sort: "createdAt" },
  {
    index: "list_relatedId_status_subtype",
    columns: ["relatedId", "status", "subtype"],
    sort: "createdAt",
  },
  { index: "list_subjectId", columns: ["subjectId"], sort: "createdAt" },
  { index: "list_by_documentDate", columns: [], sort: "documentDate" },
  { index: "list_status_by_documentDate", columns: ["status"], sort: "documentDate" },
  { index: "list_subtype_by_documentDate", columns: ["subtype"], sort: "documentDate" },
  {
    index: "list_status_subtype_by_documentDate",
    columns: ["status", "subtype"],
    sort: "documentDate",
  },
  { index: "list_parentId_by_documentDate", columns: ["parentId"], sort: "documentDate" },
  { index: "list_relatedId_by_documentDate", columns: ["relatedId"], sort: "documentDate" },
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
/** Types whose documents bear a date are sorted by it too. */
export type Sort = (typeof SORTS)[number] | "-documentDate" | "documentDate";

/** From `from` up to and with `to`, by the date that the document bears. */
export type DateRange = { from?: number; to?: number };

/** By column; the values come from the type's declared filters. */
export type Filters = Partial<Record<FilterColumn, string>>;

/** The part of Convex's index range builder that a loop over columns needs. */
type EqualityRange = {
  eq(field: string, value: string | undefined): EqualityRange;
  gte(field: string, value: number): EqualityRange;
  lte(field: string, value: number): EqualityRange;
};

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
  dates: DateRange = {},
): TypedRows<T> {
  const range = { organizationId, type, lifecycle: "live", filters, sort, dates } as const;
  return objectsIn(ctx.db, range) as unknown as TypedRows<T>;
}

/** The same with the archived ones among them: two ranges, merged by what they are sorted by. */
export function livingAndArchivedObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  filters: Filters,
  sort: Sort = "-createdAt",
  dates: DateRange = {},
): TypedRows<T> {
  const ranges = (["live", "archived"] as const).map((lifecycle) => {
    const range = { organizationId, type, lifecycle, filters, sort, dates };
    return objectsIn(stream(ctx.db, schema), range) as unknown as QueryStream<Doc<"objects">>;
  });
  const field = sort.replace("-", "");
  const merged = mergedStream(ranges, [field === "name" ? "sortName" : field]);
  return merged as unknown as TypedRows<T>;
}

type ObjectRange = {
  organizationId: Id<"organizations">;
  type: ObjectType;
  lifecycle: "live" | "archived";
  filters: Filters;
  sort: Sort;
  dates: DateRange;
};

function objectsIn(
  db: GenericDatabaseReader<DataModel>,
  { organizationId, type, lifecycle, filters, sort, dates: { from, to } }: ObjectRange,
): OrderedQuery<DataModel["objects"]> {
  const { index, columns } = indexFor(type, filters, sort);
  return db
    .query("objects")
    .withIndex(index, (q) => {
      const all = q
        .eq("organizationId", organizationId)
        .eq("type", type)
        .eq("lifecycle", lifecycle);
      const equal = columns.reduce(
        (range, column) => range.eq(column, filters[column]),
        all as unknown as EqualityRange,
      );
      const since = from === undefined ? equal : equal.gte("documentDate", from);
      const within = to === undefined ? since : since.lte("documentDate", to);
      return within as unknown as typeof all;
    })
    .order(sort.startsWith("-") ? "desc" : "asc");
}

/**
 * A tenant's living objects of a type that the full text finds, by relevance; with the archived
 * ones where those are asked for (a tombstone has no text, and is never found).
 */
export function matchingObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  search: string,
  { lookupKey, ...filters }: Filters,
  includeArchived = false,
): TypedRows<T> {
  if (lookupKey !== undefined) throw unsupported(type, "Search");
  const rows = ctx.db.query("objects").withSearchIndex("search", (q) => {
    const all = q
      .search("searchText", search)
      .eq("organizationId", organizationId)
      .eq("type", type);
    const living = includeArchived ? all : all.eq("lifecycle", "live");
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
  const { documentDateIs } = objectTypes[type] as ObjectTypeDefinition;
  const combinations = INDEXES.flatMap(({ columns, sort }) => {
    const names = columns.map(nameOf);
    const order = sort === "documentDate" ? documentDateIs : sort;
    return names.includes(undefined) || order === undefined
      ? []
      : [`${names.join("+") || "no filter"} by ${order}`];
  });
  const message = `${what} does not go with these filters. There are: ${combinations.join("; ")}.`;
  return invalid([{ path: "query", message }]);
}
