import type { PaginationOptions, PaginationResult } from "convex/server";
import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import * as z from "zod";
import { invalid } from "../kit/errors";
import {
  badCursor,
  firstRows,
  metaOf,
  openCursor,
  type Page,
  type PageParameters,
  pageParameters,
  type Paging,
  pageThrough,
  pagingOf,
  sealCursor,
} from "../kit/page";
import { text } from "../kit/text";
import { documentsFrom, documentsTo } from "../kit/time";
import { archivedType, groupOf, total } from "./counts";
import type { FilterColumn, ObjectTypeDefinition } from "./definition";
import {
  type DateRange,
  type Filters,
  livingAndArchivedObjects,
  livingObjects,
  matchingObjects,
  type Sort,
  SORTS,
} from "./ranges";
import { definitionOf } from "./derived";
import { phoneRegionOf } from "./phoneRegion";
import { portalPage } from "./portalObjects";
import { type Tenant, TenantReader } from "./reader";
import { withSpellings } from "./searchWords";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** A search answers at most this many hits (Convex's own limit), and fewer where they are large. */
const MAX_HITS = 1024;

/** What a list was asked for, once its parameters have been read. */
export type ListRequest = {
  paging: Paging;
  sort: Sort;
  search: string | undefined;
  filters: Filters;
  dates: DateRange;
  includeArchived: boolean;
};

/** The query parameters of a type's list: paging, sort, search, and its declared filters. */
export const listParameters = {
  ...pageParameters,
  sort: z.enum(SORTS).optional().meta({ description: "Default `-createdAt` (newest first)." }),
  search: text(200)
    .optional()
    .meta({ description: `Full text, by relevance, at most ${MAX_HITS} hits; takes no sort.` }),
};

/** For types that are archived. */
export const archiveParameter = {
  includeArchived: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .meta({ description: "Whether archived ones are listed too; `false` by default." }),
};

type ListParameters = PageParameters & {
  sort?: string;
  search?: string;
  includeArchived?: boolean;
  startDate?: number;
  endDate?: number;
};

/** The same for a type whose documents bear a date, which the type calls `dateName`. */
export function datedListParameters<const Name extends string>(
  dateName: Name,
): Omit<typeof listParameters, "sort"> & typeof dateParameters & { sort: SortParameter<Name> } {
  const dated = [...SORTS, `-${dateName}`, dateName] as const;
  const description = `Default \`-createdAt\`, and \`-${dateName}\` within a range of dates.`;
  const sort = z.enum(dated).optional().meta({ description });
  return { ...listParameters, ...dateParameters, sort };
}

const dateParameters = {
  startDate: documentsFrom
    .optional()
    .meta({ description: "The first day of the documents' dates." }),
  endDate: documentsTo.optional().meta({ description: "The last day, which is included whole." }),
};
type SortName<Name extends string> = (typeof SORTS)[number] | `-${Name}` | Name;
type SortParameter<Name extends string> = z.ZodOptional<z.ZodEnum<{ [S in SortName<Name>]: S }>>;

/** Maps a type's filters onto the columns that serve them. */
export function listRequest<T extends ObjectType>(
  type: T,
  query: ListParameters & Partial<Record<keyof (typeof objectTypes)[T]["filters"], string>>,
): ListRequest {
  if (query.search !== undefined && query.sort !== undefined) {
    throw invalid([{ path: "query.sort", message: "cannot be combined with search" }]);
  }
  const columns = Object.entries(objectTypes[type].filters as Record<string, FilterColumn>);
  const given = columns.flatMap(([filter, column]): [FilterColumn, string][] => {
    const value = (query as Record<string, unknown>)[filter];
    return typeof value === "string" ? [[column, value]] : [];
  });
  const { startDate, endDate } = query;
  const dates = {
    ...(startDate === undefined ? {} : { from: startDate }),
    ...(endDate === undefined ? {} : { to: endDate }),
  };
  const sort = sortOf(type, query.sort, isRange(dates));
  if (isRange(dates) && !sort.endsWith("documentDate")) {
    throw invalid([{ path: "query.sort", message: "a range of dates is sorted by that date" }]);
  }
  if (isRange(dates) && query.search !== undefined) {
    throw invalid([{ path: "query.search", message: "cannot be combined with a range of dates" }]);
  }
  const filters = Object.fromEntries(given);
  const { search, includeArchived = false } = query;
  return { paging: pagingOf(query), sort, search, filters, dates, includeArchived };
}

function sortOf(type: ObjectType, asked: string | undefined, isRange: boolean): Sort {
  if (asked === undefined) return isRange ? "-documentDate" : "-createdAt";
  const { documentDateIs } = objectTypes[type] as ObjectTypeDefinition;
  const isDocumentDate = asked.replace("-", "") === documentDateIs;
  if (!isDocumentDate) return asked as Sort;
  return asked.startsWith("-") ? "-documentDate" : "documentDate";
}

function isRange({ from, to }: DateRange): boolean {
  return from !== undefined || to !== undefined;
}

/**
 * One page of a tenant's living objects: reads the page and the counts, whatever the table's size.
 * To a portal user it is a page of what their type's rule shows them.
 */
export async function listObjects<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  request: ListRequest,
): Promise<Page<ObjectDoc<T>>> {
  const { sort, search, filters, dates, includeArchived } = request;
  const listName = JSON.stringify([type, sort, search ?? null, filters, dates, includeArchived]);
  return search === undefined || tenant.viewer
    ? await pageThroughIndex(ctx, tenant, type, request, listName)
    : await pageThroughHits(ctx, tenant.organizationId, type, request, search, listName);
}

async function pageThroughIndex<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  request: ListRequest,
  listName: string,
): Promise<Page<ObjectDoc<T>>> {
  const rows = rowsOf(ctx, tenant, type, request);
  const count = await totalOf(ctx, tenant, type, request);
  const page = await pageThrough(listName, request.paging, rows, count);
  const other = page.rows.length === 0 ? await knownOtherwise(ctx, tenant, type, request) : null;
  return other === null ? page : { rows: [other], meta: { ...page.meta, total: 1 } };
}

/** Who is known by the key all the same: a contact by the e-mail of one merged into it. */
async function knownOtherwise<T extends ObjectType>(
  ctx: QueryCtx,
  tenant: Tenant,
  type: T,
  { filters: { lookupKey }, paging }: ListRequest,
): Promise<ObjectDoc<T> | null> {
  const isFirst = paging.cursor === undefined && paging.offset === 0;
  if (lookupKey === undefined || !isFirst) return null;
  return await new TenantReader(ctx, tenant).findByOtherKey(type, lookupKey);
}

async function pageThroughHits<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  { paging, filters, includeArchived }: ListRequest,
  search: string,
  listName: string,
): Promise<Page<ObjectDoc<T>>> {
  const words = await wordsFor(ctx, organizationId, type, search);
  const matching = matchingObjects(ctx, organizationId, type, words, filters, includeArchived);
  const { page: hits, isDone } = await firstRows(matching, MAX_HITS);
  const start =
    paging.cursor === undefined ? paging.offset : Number(openCursor(listName, paging.cursor));
  if (!Number.isSafeInteger(start) || start < 0) throw badCursor();
  const end = start + paging.limit;
  return {
    rows: hits.slice(start, end),
    meta: metaOf(paging, {
      total: hits.length,
      totalIsCapped: !isDone || hits.length === MAX_HITS,
      nextCursor: end < hits.length ? sealCursor(listName, String(end)) : null,
    }),
  };
}

/** What full text is asked for: an address in every spelling that it may be known under. */
export async function wordsFor(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: ObjectType,
  search: string,
): Promise<string> {
  if (!definitionOf(type).hasAddresses) return search;
  return await withSpellings(search, async () => {
    const organization = await ctx.db.get("organizations", organizationId);
    return organization && phoneRegionOf(organization);
  });
}

type Pageable<T extends ObjectType> = {
  paginate(page: PaginationOptions): Promise<PaginationResult<ObjectDoc<T>>>;
};

function rowsOf<T extends ObjectType>(
  ctx: QueryCtx,
  { organizationId, viewer }: Tenant,
  type: T,
  request: ListRequest,
): Pageable<T> {
  const { filters, sort, dates, includeArchived } = request;
  if (viewer) {
    return {
      paginate: (page) => portalPage(ctx, organizationId, viewer, type, request, page),
    };
  }
  const rows = includeArchived ? livingAndArchivedObjects : livingObjects;
  return rows(ctx, organizationId, type, filters, sort, dates);
}

/** Exact, or null where nobody has counted. */
async function totalOf(
  ctx: QueryCtx,
  { organizationId, viewer }: Tenant,
  type: ObjectType,
  { filters, dates, includeArchived }: ListRequest,
): Promise<number | null> {
  const { lookupKey, parentId, relatedId, subjectId, ...cell } = filters;
  const owners = [parentId, relatedId, subjectId].filter((owner) => owner !== undefined);
  const isCounted = !viewer && !isRange(dates) && lookupKey === undefined && owners.length < 2;
  if (!isCounted) return null;
  const living = await total(ctx, organizationId, groupOf(type, owners[0]), cell);
  if (!includeArchived) return living;
  const archived = groupOf(archivedType(type), owners[0]);
  return living + (await total(ctx, organizationId, archived, cell));
}
