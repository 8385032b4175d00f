import type { PaginationOptions, PaginationResult } from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { errorDataOf, invalid } from "./errors";
import { DEFAULT_LIMIT, MAX_OFFSET, tooFar } from "./pageLimits";
import type { ListMeta, PageParameters } from "./pageParameters";

/** A page of large rows ends early: half of what Convex lets a query read. */
export const MAX_BYTES = 8 * 1024 * 1024;
/** The same of a job that writes what it reads: it reads each row again, and writes it. */
export const MAX_BYTES_REWRITTEN = 4 * 1024 * 1024;

const tooMuch = "reaches too much data; use cursor";

/** Where a page begins: after a cursor, or so many rows from the start. */
export type Paging = { limit: number; page?: number } & (
  | { cursor: string; offset?: undefined }
  | { cursor?: undefined; offset: number; asked: "start" | "offset" | "page" }
);

/** @throws VALIDATION_ERROR when two ways of paging are mixed or the page lies too far out. */
export function pagingOf(query: PageParameters): Paging {
  const given = (["cursor", "offset", "page"] as const).filter((name) => query[name] !== undefined);
  if (given.length > 1) {
    throw invalid([{ path: `query.${given[1]}`, message: `cannot be combined with ${given[0]}` }]);
  }
  if (query.limit !== undefined && query.page_size !== undefined) {
    throw invalid([{ path: "query.page_size", message: "cannot be combined with limit" }]);
  }
  const limit = query.limit ?? query.page_size ?? DEFAULT_LIMIT;
  if (query.cursor !== undefined) return { limit, cursor: query.cursor };
  if (query.page !== undefined) {
    const offset = (query.page - 1) * limit;
    if (offset > MAX_OFFSET) throw invalid([{ path: "query.page", message: tooFar }]);
    return { limit, offset, page: query.page, asked: "page" };
  }
  return {
    limit,
    offset: query.offset ?? 0,
    asked: query.offset === undefined ? "start" : "offset",
  };
}

export type Page<Row> = { rows: Row[]; meta: ListMeta };

export function metaOf(
  paging: Paging,
  page: { total: number | null; nextCursor: string | null; totalIsCapped?: boolean },
): ListMeta {
  const meta: ListMeta = { ...page, limit: paging.limit };
  if (paging.cursor !== undefined || paging.asked === "start") return meta;
  if (paging.asked === "offset") return { ...meta, offset: paging.offset };
  const totalPages = page.total === null ? null : Math.ceil(page.total / paging.limit);
  return { ...meta, page: paging.page, totalPages };
}

/**
 * A cursor names the list it belongs to, so that one of another list or of other filters is refused
 * instead of answering nonsense. It carries no secret and grants nothing.
 */
export function sealCursor(list: string, position: string): string {
  const bytes = new TextEncoder().encode(JSON.stringify([list, position]));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws VALIDATION_ERROR for a cursor that is not one of this list's. */
export function openCursor(list: string, cursor: string): string {
  const [sealedList, position] = readCursor(cursor);
  if (typeof position !== "string" || position === "") throw badCursor();
  if (sealedList !== list) {
    throw invalid([{ path: "query.cursor", message: "belongs to a list with other parameters" }]);
  }
  return position;
}

function readCursor(cursor: string): unknown[] {
  try {
    const binary = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/** What can be paged: a Convex query, or what behaves as one. */
export type Pageable<Row> = {
  paginate(options: PaginationOptions): Promise<PaginationResult<Row>>;
};

/** The first `most` rows, or fewer where they are large: `isDone` when there are no others. */
export async function firstRows<Row>(
  rows: Pageable<Row>,
  most: number,
): Promise<PaginationResult<Row>> {
  return await rows.paginate({ numItems: most, cursor: null, maximumBytesRead: MAX_BYTES });
}

/**
 * What a job takes at once of rows that it deletes or writes again: up to `most`, fewer where they are
 * large. `isWhole` when there are no others.
 */
export async function batchOf<Row extends Record<string, Value | undefined>>(
  rows: AsyncIterable<Row>,
  most: number,
  maxBytes = MAX_BYTES_REWRITTEN,
): Promise<{ batch: Row[]; isWhole: boolean }> {
  const batch: Row[] = [];
  let bytes = 0;
  for await (const row of rows) {
    if (batch.length === most || bytes > maxBytes) return { batch, isWhole: false };
    batch.push(row);
    bytes += getConvexSize(row);
  }
  return { batch, isWhole: true };
}

/**
 * One page of a list that Convex pages. `total` is exact where the caller counts, else known only
 * when the first answer reaches the end.
 * @throws VALIDATION_ERROR for a cursor that is not one of this list's, or an offset that a page which
 * ends early does not reach.
 */
export async function pageThrough<Row>(
  list: string,
  paging: Paging,
  rows: Pageable<Row>,
  total: number | null = null,
): Promise<Page<Row>> {
  const offset = paging.offset ?? 0;
  const cursor = paging.cursor === undefined ? null : openCursor(list, paging.cursor);
  const { page, isDone, continueCursor } = await rows
    .paginate({ numItems: offset + paging.limit, cursor, maximumBytesRead: MAX_BYTES })
    .catch((error: unknown) => {
      // The cursor is all that the caller chose here; anything else of the query is ours.
      throw cursor === null || errorDataOf(error) ? error : badCursor();
    });
  const reachedTotal = cursor === null && total !== null && page.length >= total;
  const isLast = isDone || reachedTotal;
  const isByPlace = paging.cursor === undefined && paging.asked !== "start";
  if (isByPlace && !isLast && page.length < offset + paging.limit) {
    throw invalid([{ path: `query.${paging.asked}`, message: tooMuch }]);
  }
  const nextCursor = isLast ? null : sealCursor(list, continueCursor);
  const known = total ?? (cursor === null && isLast ? page.length : null);
  return { rows: page.slice(offset), meta: metaOf(paging, { total: known, nextCursor }) };
}

/** One page of rows that have been read all at once, such as the hits of a search. */
export function pageOfAll<Row>(
  list: string,
  paging: Paging,
  rows: readonly Row[],
  totalIsCapped: boolean,
): Page<Row> {
  const start =
    paging.cursor === undefined ? paging.offset : Number(openCursor(list, paging.cursor));
  if (!Number.isSafeInteger(start) || start < 0) throw badCursor();
  const end = start + paging.limit;
  const nextCursor = end < rows.length ? sealCursor(list, String(end)) : null;
  const meta = metaOf(paging, { total: rows.length, totalIsCapped, nextCursor });
  return { rows: rows.slice(start, end), meta };
}

export function badCursor(): Error {
  return invalid([{ path: "query.cursor", message: "is not a cursor that a list has given out" }]);
}
