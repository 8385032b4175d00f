import type { Doc } from "../_generated/dataModel";
import { decoded, type Encoding, encodingNamed, UTF8_MARK } from "../kit/charset";
import { type CsvDialect, type CsvRecord, dialectOf, readCsv } from "../kit/csv";
import { invalid } from "../kit/errors";
import type { Upload } from "../kit/uploads";
import { readVcards } from "../kit/vcard";
import { fieldsOfCard } from "./contactCards";
import { columnsOf, fieldsOfCells, type UnknownColumns } from "./contactColumns";

/** The two kinds of file that contacts come in, read alike: a layout, then rows. */
export type FileLayout = Pick<
  Doc<"contactImports">,
  "format" | "encoding" | "layout" | "ignoredColumns" | "position"
>;
export type FileRow =
  { fields: Record<string, unknown> } | { problem: { path?: string; message: string } };

type Source = Pick<Upload, "mediaType" | "charset" | "isUtf8">;

/**
 * How the file is to be read, by its beginning, and where its rows begin.
 * @throws VALIDATION_ERROR when it is no such file, or has columns that contacts do not have
 */
export function layoutOf(
  start: string,
  source: Source,
  unknownColumns: UnknownColumns,
): FileLayout {
  if (/^(\xff\xfe|\xfe\xff)/.test(start)) {
    throw invalid([{ path: "body", message: "is UTF-16; save it as UTF-8" }]);
  }
  const encoding = encodingOf(start, source);
  const mark = start.startsWith(UTF8_MARK) ? UTF8_MARK.length : 0;
  const text = start.slice(mark);
  if (source.mediaType !== "text/csv") {
    if (!/^\s*BEGIN\s*:\s*VCARD/i.test(text)) {
      throw invalid([{ path: "body", message: "does not begin with BEGIN:VCARD" }]);
    }
    return { format: "vcard", encoding, ignoredColumns: [], position: mark };
  }
  const dialect = dialectOf(text);
  const { records, end } = readCsv(text, dialect, { limit: 1, atEnd: true });
  const [header] = records;
  if (!header) throw invalid([{ path: "body", message: "has no header row" }]);
  const names = header.cells.map((cell) => decoded(cell, encoding));
  const { columns, ignored, problems } = columnsOf(names, unknownColumns);
  if (problems.length > 0) throw invalid(problems.slice(0, 50));
  const layout = { ...dialect, columns };
  return { format: "csv", encoding, layout, ignoredColumns: ignored, position: mark + end };
}

/** A mark in the file tells its encoding, then the sender, then whether it is UTF-8 at all. */
function encodingOf(start: string, { charset, isUtf8 }: Source): Encoding {
  if (start.startsWith(UTF8_MARK) || charset === null) return isUtf8 ? "utf-8" : "windows-1252";
  const named = encodingNamed(charset);
  const path = "headers.Content-Type";
  if (!named) throw invalid([{ path, message: `charset ${charset} is not read; use utf-8` }]);
  if (named === "utf-8" && !isUtf8) {
    throw invalid([{ path: "body", message: `is not ${charset}, as Content-Type says` }]);
  }
  return named;
}

/** Up to `limit` rows of a window of the file, and where the last of them ends. */
export function readRows(
  file: FileLayout,
  window: string,
  options: { limit: number; atEnd: boolean },
): { rows: FileRow[]; end: number } {
  if (file.layout) {
    const { delimiter, newline, columns } = file.layout;
    const dialect = { delimiter, newline } as CsvDialect;
    const { records, end } = readCsv(window, dialect, options);
    return { rows: records.map((record) => csvRow(record, columns, file.encoding)), end };
  }
  const { cards, end } = readVcards(window, file.encoding, options);
  const rows = cards.map((card): FileRow => {
    if (card.problem !== null) return { problem: { message: card.problem } };
    const { fields, problem } = fieldsOfCard(card);
    return problem ? { problem } : { fields };
  });
  return { rows, end };
}

function csvRow(
  { cells, problem }: CsvRecord,
  columns: readonly (string | null)[],
  encoding: Encoding,
): FileRow {
  if (problem !== null) return { problem: { message: problem } };
  if (cells.length !== columns.length) {
    const message = `has ${cells.length} cells; the header has ${columns.length}`;
    return { problem: { message } };
  }
  const texts = cells.map((cell) => decoded(cell, encoding));
  const { fields, problem: unreadable } = fieldsOfCells(columns, texts);
  return unreadable ? { problem: unreadable } : { fields };
}
