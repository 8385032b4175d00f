import * as z from "zod";
import { csvLine } from "./csv";
import type { StreamPage } from "./streamPage";
import { badCursor, openCursor, type Pageable, sealCursor } from "./page";
import { once } from "./once";

/** Rows as a file, CSV or JSON, which is read page by page and sent as it is read. */
export const MAX_EXPORT_ROWS = 10_000;

/** Rows that one query reads, and bytes: half of what Convex lets it. */
const ROWS_PER_PAGE = 200;
const MAX_BYTES = 8 * 1024 * 1024;

export const exportParameters = once(() => ({
  format: z.enum(["csv", "json"]).optional().meta({ description: "Default `csv`." }),
  limit: z.coerce.number().int().min(1).max(MAX_EXPORT_ROWS).optional(),
  cursor: z.string().max(4000).optional(),
}));
export type ExportParameters = z.output<z.ZodObject<ReturnType<typeof exportParameters>>>;

export const EXPORT_DESCRIPTION =
  "Oldest first, up to `limit` rows or about 8 MiB an answer. When there are more, CSV answers carry the header `X-Next-Cursor`, JSON answers `meta.nextCursor` (at the end of the body, which is sent as it is read). A CSV cell that a spreadsheet would run as a formula begins with an apostrophe.";

/** How rows become a file of such a name: a line of CSV, or what is written as JSON. */
export type ExportFile<Row> = {
  name: string;
  columns: readonly string[];
  cellsOf: (row: Row) => string[];
  viewOf: (row: Row) => unknown;
};

/**
 * The next page of a file; `list` tells the rows apart from those of other filters.
 * @throws VALIDATION_ERROR for a cursor that is not one of these rows'
 */
export async function exportPage<Row>(
  list: string,
  rows: Pageable<Row>,
  { format = "csv", limit = MAX_EXPORT_ROWS, cursor }: ExportParameters,
  { name, columns, cellsOf, viewOf }: ExportFile<Row>,
): Promise<StreamPage> {
  const start = cursor === undefined ? null : openCursor(list, cursor);
  const numItems = Math.min(limit, ROWS_PER_PAGE);
  const { page, isDone, continueCursor } = await rows
    .paginate({ numItems, cursor: start, maximumBytesRead: MAX_BYTES })
    .catch((error: unknown) => {
      throw start === null ? error : badCursor();
    });
  const text =
    format === "csv"
      ? page.map((row) => csvLine(cellsOf(row))).join("")
      : page.map((row) => JSON.stringify(viewOf(row))).join(",");
  return {
    format,
    fileName: `${name}.${format}`,
    head: format === "csv" ? csvLine(columns) : "",
    text,
    rows: page.length,
    limit,
    next: isDone ? null : sealCursor(list, continueCursor),
  };
}
