import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { z } from "zod";
import { invalid } from "../kit/errors";
import {
  badCursor,
  metaOf,
  openCursor,
  type Page,
  type PageParameters,
  pageParameters,
  type Paging,
  pagingOf,
  sealCursor,
} from "../kit/page";
import { text } from "../kit/text";
import { groupOf, total } from "./counts";
import type { FilterColumn } from "./definition";
import { type Filters, livingObjects, matchingObjects, type Sort, SORTS } from "./ranges";
import { objectTypes, type ObjectDoc, type ObjectType } from "./registry";

/** A search answers at most this many hits (Convex's own limit). */
const MAX_HITS = 1024;

/** What a list was asked for, once its parameters have been read. */
export type ListRequest = {
  paging: Paging;
  sort: Sort;
  search: string | undefined;
  filters: Filters;
};

/** The query parameters of a type's list: paging, sort, search, and its declared filters. */
export const listParameters = {
  ...pageParameters,
  sort: z.enum(SORTS).optional().meta({ description: "Default `-createdAt` (newest first)." }),
  search: text(200)
    .optional()
    .meta({ description: `Full text, by relevance, at most ${MAX_HITS} hits; takes no sort.` }),
};
type ListParameters = PageParameters & { sort?: Sort; search?: string };

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
  return {
    paging: pagingOf(query),
    sort: query.sort ?? "-createdAt",
    search: query.search,
    filters: Object.fromEntries(given),
  };
}

/** One page of a tenant's living objects: reads the page and the counts, whatever the table's size. */
export async function listObjects<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  request: ListRequest,
): Promise<Page<ObjectDoc<T>>> {
  const listName = JSON.stringify([type, request.sort, request.search ?? null, request.filters]);
  return request.search === undefined
    ? await pageThroughIndex(ctx, organizationId, type, request, listName)
    : await pageThroughHits(ctx, organizationId, type, request, request.search, listName);
}

async function pageThroughIndex<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  { paging, sort, filters }: ListRequest,
  listName: string,
): Promise<Page<ObjectDoc<T>>> {
  const offset = paging.offset ?? 0;
  const cursor = paging.cursor === undefined ? null : openCursor(listName, paging.cursor);
  const { page, isDone, continueCursor } = await livingObjects(
    ctx,
    organizationId,
    type,
    filters,
    sort,
  )
    .paginate({ numItems: offset + paging.limit, cursor })
    .catch((error: unknown) => {
      // The cursor is all that the caller chose here; anything else of the query is ours.
      throw cursor === null ? error : badCursor();
    });
  const rows = page.slice(offset);
  const count = await totalOf(ctx, organizationId, type, filters);
  const reachedTotal = cursor === null && count !== null && offset + rows.length >= count;
  const isLast = isDone || reachedTotal;
  const nextCursor = isLast ? null : sealCursor(listName, continueCursor);
  const known = count ?? (cursor === null && isLast ? page.length : null);
  return { rows, meta: metaOf(paging, { total: known, nextCursor }) };
}

async function pageThroughHits<T extends ObjectType>(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: T,
  { paging, filters }: ListRequest,
  search: string,
  listName: string,
): Promise<Page<ObjectDoc<T>>> {
  const hits = await matchingObjects(ctx, organizationId, type, search, filters).take(MAX_HITS);
  const start =
    paging.cursor === undefined ? paging.offset : Number(openCursor(listName, paging.cursor));
  if (!Number.isSafeInteger(start) || start < 0) throw badCursor();
  const end = start + paging.limit;
  return {
    rows: hits.slice(start, end),
    meta: metaOf(paging, {
      total: hits.length,
      totalIsCapped: hits.length === MAX_HITS,
      nextCursor: end < hits.length ? sealCursor(listName, String(end)) : null,
    }),
  };
}

async function totalOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  type: ObjectType,
  { lookupKey, parentId, ...cell }: Filters,
): Promise<number | null> {
  if (lookupKey !== undefined) return null;
  return await total(ctx, organizationId, groupOf(type, parentId), cell);
}
