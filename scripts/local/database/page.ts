/** Reads one page of a query, as `ctx.db.query(…).paginate(…)` asks for it. */
import type { Cursors, Place } from "./cursor";
import { LimitError, TRANSACTION_LIMITS } from "./limits";
import type { Row, RowStream } from "./query";
import type { Window } from "./sources";
import type { PageRequest, PageResult } from "./types";

/** A page of more rows than this should be split, whatever was asked for. */
const LONG_PAGE = 10_000;

export function readPage(
  request: PageRequest,
  queryText: string,
  cursors: Cursors,
  openStream: (window: Window, expected: number) => RowStream,
): PageResult {
  checkRequest(request);
  const { cursor } = request;
  const endCursor = request.endCursor ?? null;
  const hasEnd = endCursor !== null;
  const after = cursor === null ? undefined : cursors.open(queryText, cursor);
  const upTo = hasEnd ? cursors.open(queryText, endCursor) : undefined;
  if (cursor !== null && after === null) return emptyPage(cursor);
  // With an end given, the page is what lies between the two cursors, however much that is.
  const stream = openStream({ after: after ?? null, upTo: upTo ?? null }, request.pageSize);
  const size = hasEnd ? Infinity : request.pageSize;
  const budget = {
    rows: hasEnd ? Infinity : (request.maximumRowsRead ?? Infinity),
    bytes: hasEnd ? Infinity : (request.maximumBytesRead ?? Infinity),
  };
  const places: string[] = [];
  stream.places = places;
  const { rows, end } = readRows(stream, size, budget);
  const isDone = hasEnd ? upTo === null : end === "of rows";
  const place: Place = isDone ? null : (upTo ?? stream.lastPlace);
  const middle = places[Math.floor(places.length / 2)];
  return {
    page: rows.map(({ text }) => text),
    isDone,
    continueCursor: hasEnd ? endCursor : cursors.seal(queryText, place),
    splitCursor:
      middle === undefined || places.length <= 2 ? null : cursors.seal(queryText, middle),
    pageStatus: end === "of budget" ? "SplitRequired" : status(stream, rows.length, request),
  };
}

function checkRequest({ pageSize, maximumRowsRead, maximumBytesRead }: PageRequest): void {
  if (pageSize < 1) throw new Error("Must request at least 1 document while paginating");
  if (pageSize > TRANSACTION_LIMITS.documentsRead) {
    throw new Error(`Requested too many items: ${pageSize}`);
  }
  if (maximumRowsRead === 0 || maximumBytesRead === 0) {
    throw new Error("maximumRowsRead and maximumBytesRead must be greater than 0");
  }
}

/**
 * Where a page ends: at the last row, at its size, or at a limit before it was full. One that takes
 * exactly the last rows does not know it: Convex does not look ahead.
 */
type PageEnd = "of rows" | "of page" | "of budget";

function readRows(
  stream: RowStream,
  size: number,
  budget: { rows: number; bytes: number },
): { rows: Row[]; end: PageEnd } {
  const rows: Row[] = [];
  let stopped = false;
  const isSpent = (): boolean => stream.rowsRead >= budget.rows || stream.bytesRead >= budget.bytes;
  stream.onRowPassed = () => {
    stopped = isSpent();
    return stopped ? "stop" : "go on";
  };
  try {
    while (rows.length < size) {
      if (isSpent()) return { rows, end: "of budget" };
      const row = stream.next();
      if (row === null) return { rows, end: stopped ? "of budget" : "of rows" };
      rows.push(row);
    }
  } catch (error) {
    // The limits of a transaction end a page early, unless it has not got anywhere.
    if (!(error instanceof LimitError) || stream.rowsRead <= 1) throw error;
    stream.dropLast();
    return { rows, end: "of budget" };
  }
  return { rows, end: "of page" };
}

function status(
  stream: RowStream,
  length: number,
  { maximumRowsRead }: PageRequest,
): "SplitRecommended" | null {
  const allowed = Math.min(
    maximumRowsRead ?? TRANSACTION_LIMITS.documentsRead,
    TRANSACTION_LIMITS.documentsRead,
  );
  return stream.rowsRead > allowed * 0.75 || length > LONG_PAGE ? "SplitRecommended" : null;
}

function emptyPage(cursor: string): PageResult {
  return {
    page: [],
    isDone: true,
    continueCursor: cursor,
    splitCursor: null,
    pageStatus: null,
  };
}
