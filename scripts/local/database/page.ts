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
  const after = request.cursor === null ? undefined : cursors.open(queryText, request.cursor);
  const hasEnd = request.endCursor !== undefined && request.endCursor !== null;
  const upTo = hasEnd ? cursors.open(queryText, request.endCursor!) : undefined;
  if (after === null) return emptyPage(request.cursor!);
  // With an end given, the page is what lies between the two cursors, however much that is.
  const stream = openStream({ after: after ?? null, upTo: upTo ?? null }, request.pageSize + 1);
  const size = hasEnd ? Infinity : request.pageSize;
  const maximum = hasEnd ? Infinity : (request.maximumRowsRead ?? Infinity);
  const places: string[] = [];
  stream.places = places;
  const { rows, cutShort } = readRows(stream, size, maximum);
  const isDone = hasEnd ? upTo === null : !cutShort && stream.isAtEnd();
  const place: Place = isDone ? null : (upTo ?? stream.lastPlace);
  return {
    page: rows.map(({ text }) => text),
    isDone,
    continueCursor: hasEnd ? request.endCursor! : cursors.seal(queryText, place),
    splitCursor:
      places.length > 2 ? cursors.seal(queryText, places[Math.floor(places.length / 2)]!) : null,
    pageStatus: cutShort ? "SplitRequired" : status(stream, rows.length, request),
  };
}

function checkRequest({ pageSize, maximumRowsRead }: PageRequest): void {
  if (pageSize < 1) throw new Error("Must request at least 1 document while paginating");
  if (pageSize > TRANSACTION_LIMITS.documentsRead) {
    throw new Error(`Requested too many items: ${pageSize}`);
  }
  if (maximumRowsRead === 0) {
    throw new Error("maximumRowsRead and maximumBytesRead must be greater than 0");
  }
}

/** `cutShort` says that the page stopped at a limit before it was full. */
function readRows(
  stream: RowStream,
  size: number,
  maximumRowsRead: number,
): { rows: Row[]; cutShort: boolean } {
  const rows: Row[] = [];
  let stopped = false;
  stream.onRowPassed = () => {
    stopped = stream.rowsRead >= maximumRowsRead;
    return stopped ? "stop" : "go on";
  };
  try {
    while (rows.length < size) {
      if (stream.rowsRead >= maximumRowsRead) {
        return { rows, cutShort: !stream.isAtEnd() };
      }
      const row = stream.next();
      if (row === null) return { rows, cutShort: stopped && !stream.isAtEnd() };
      rows.push(row);
    }
  } catch (error) {
    // The limits of a transaction end a page early, unless it has not got anywhere.
    if (!(error instanceof LimitError) || stream.rowsRead <= 1) throw error;
    stream.dropLast();
    return { rows, cutShort: true };
  }
  return { rows, cutShort: false };
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
