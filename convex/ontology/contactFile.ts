import type { Doc } from "../_generated/dataModel";
import { decoded, type Encoding, encodingNamed, markLength, unitBytes } from "../kit/charset";
import { dialectOf, readCsv, readHeader, type WindowOptions } from "../kit/csv";
import { invalidFields, invalidIn, type Problem } from "../kit/errors";
import { encodingBySigns, type TextSigns, utf16By } from "../kit/textSigns";
import { sha256Hex } from "../kit/tokens";
import type { Upload } from "../kit/uploads";
import { readVcards, type Vcard } from "../kit/vcard";
import { fieldsOfCard, kindOfCard } from "./contactCards";
import { columnsOf, fieldsOfCells, type UnknownColumns } from "./contactColumns";
import type { FieldsOfRow } from "./contactRow";

/** The two kinds of file that contacts come in, read alike: a layout, then rows. */
export type FileLayout = Pick<
  Doc<"contactImports">,
  "format" | "encoding" | "isMixed" | "layout" | "ignoredColumns" | "position"
>;
export type FileRow =
  /** `left`: what the row says beside them, which a contact has no place for. */
  | { fields: Record<string, unknown>; left: Problem[] }
  | { problem: { path?: string; message: string } }
  /** Why the row is no person's. */
  | { skipped: string };
export type FileRows = {
  rows: FileRow[];
  /** Where the last of them ends. */
  end: number;
  /** It does not end there. */
  isCut: boolean;
};

type CsvLayout = NonNullable<FileLayout["layout"]>;
type FileEncoding = Pick<FileLayout, "encoding" | "isMixed">;

/** Exports of the programs that are known have a hundred. */
const MAX_COLUMNS = 1000;

/**
 * A mark in the file tells its encoding, then the sender, then its bytes.
 * @param start the first bytes
 * @throws VALIDATION_ERROR when it is not what the sender says, or of an encoding that is not read
 */
export function encodingOf(start: Uint8Array, upload: Upload): FileEncoding {
  const utf16 = utf16By(start);
  if (utf16) return { encoding: utf16 };
  const signs = signsOf(upload);
  const detected = encodingBySigns(signs);
  const isMixed = detected !== "utf-8" && signs.utf8 > 0;
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return { encoding: "utf-8" };
  if (upload.charset === null) return { encoding: detected, isMixed };
  const named = encodingNamed(upload.charset);
  if (!named) {
    const message = `charset ${upload.charset} is not read; use utf-8`;
    throw invalidIn("headers", "Content-Type", message);
  }
  if (unitBytes(named) === 2 || (named === "utf-8" && detected !== "utf-8")) {
    throw invalidFields([{ field: "", message: `is not ${upload.charset}, as Content-Type says` }]);
  }
  return { encoding: named };
}

/** Of a body that was staged before they were counted, all that is known. */
function signsOf({ signs, isUtf8 = true }: Upload): TextSigns {
  return signs ?? { utf8: 0, invalid: isUtf8 ? 0 : 1, windows1252: 0, macRoman: 0 };
}

/**
 * How the file is to be read, by its beginning, and where its rows begin.
 * @throws VALIDATION_ERROR when it is no such file, or has columns that contacts do not have
 */
export function layoutOf(
  start: string,
  file: FileEncoding & { mediaType: string },
  unknownColumns: UnknownColumns,
): FileLayout {
  const { mediaType, ...encoding } = file;
  const mark = markLength(start, 0);
  const bytesTo = (index: number): number => index * unitBytes(encoding.encoding);
  const text = start.slice(mark);
  if (mediaType !== "text/csv") {
    if (!/^\s*BEGIN\s*:\s*VCARD/i.test(text)) {
      throw invalidFields([{ field: "", message: "does not begin with BEGIN:VCARD" }]);
    }
    return { ...encoding, format: "vcard", ignoredColumns: [], position: bytesTo(mark) };
  }
  const { delimiter, header: begins } = dialectOf(text);
  const header = readHeader(text.slice(begins), delimiter);
  if (!header) {
    const message = "has no header row, or one whose quotes do not match";
    throw invalidFields([{ field: "", message }]);
  }
  if (header.cells.length > MAX_COLUMNS) {
    const message = `has ${header.cells.length} columns; at most ${MAX_COLUMNS} are read`;
    throw invalidFields([{ field: "header", message }]);
  }
  const names = textsOf(header.cells, encoding);
  if (!names.isDecoded) {
    throw invalidFields([{ field: "header", message: `is not ${encoding.encoding}` }]);
  }
  const { columns, ignored, problems } = columnsOf(names.texts, unknownColumns);
  if (problems.length > 0) throw invalidFields(problems.slice(0, 50));
  return {
    ...encoding,
    format: "csv",
    layout: { delimiter, columns, header: headerKey(names.texts) },
    ignoredColumns: ignored,
    position: bytesTo(mark + begins + header.end),
  };
}

function headerKey(names: readonly string[]): string {
  const trimmed = names.map((name) => name.trim().toLowerCase());
  // Rows may leave out empty cells at the end.
  while (trimmed.at(-1) === "") trimmed.pop();
  return sha256Hex(JSON.stringify(trimmed));
}

/**
 * Up to `limit` rows of a window of the file.
 * @param isWithinRow the window begins within a row that is not to be read
 */
export function readRows(
  file: FileLayout,
  window: string,
  { isWithinRow, ...options }: WindowOptions & { isWithinRow: boolean },
): FileRows {
  const { layout } = file;
  if (layout) {
    const start = isWithinRow ? /[\r\n]/.exec(window)?.index : 0;
    if (start === undefined) return passedOver(window, options);
    const dialect = { delimiter: layout.delimiter, columns: layout.columns.length };
    const { records, end, isCut } = readCsv(window.slice(start), dialect, options);
    const rows = records.map(({ cells, problem }) =>
      problem === null ? csvRow(cells, layout, file) : { problem: { message: problem } },
    );
    return { rows, end: start + end, isCut };
  }
  const read = readVcards(window, file.encoding, { ...options, isWithinRow });
  return { ...read, rows: read.cards.map(cardRow) };
}

/** What a row that goes beyond the window has of it. */
function passedOver(window: string, { atEnd, isLongest }: WindowOptions): FileRows {
  if (!atEnd && !isLongest) return { rows: [], end: 0, isCut: true };
  return { rows: [], end: window.length, isCut: !atEnd };
}

function csvRow(cells: readonly string[], layout: CsvLayout, file: FileEncoding): FileRow {
  const { columns, header } = layout;
  const { isDecoded, texts } = textsOf(cells, file);
  if (!isDecoded) {
    const bad = texts.findIndex((text) => text === null);
    const path = columns[bad] ?? `column ${bad + 1}`;
    return { problem: { path, message: `has bytes that are not ${file.encoding}` } };
  }
  if (header !== undefined && headerKey(texts) === header) return { skipped: "repeats the header" };
  if (/^sep=$/i.test(texts[0] ?? "") && texts.slice(1).every((text) => text === "")) {
    return { skipped: "names the delimiter, for Excel" };
  }
  // Programs leave out empty cells at the end of a row, or write more of them than there are columns.
  if (texts.slice(columns.length).some((text) => text.trim() !== "")) {
    const message = `has ${texts.length} cells; the header has ${columns.length}`;
    return { problem: { message } };
  }
  return rowOf(fieldsOfCells(columns, texts));
}

type Decoded =
  { isDecoded: true; texts: string[] } | { isDecoded: false; texts: (string | null)[] };

/** The texts of a record; null for one that is not of the file's encoding. */
function textsOf(cells: readonly string[], { encoding, isMixed = false }: FileEncoding): Decoded {
  const asUtf8 = isMixed ? decodedAll(cells, "utf-8") : null;
  const isUtf8 = asUtf8?.isDecoded === true && asUtf8.texts.some((text) => /[^\0-\x7f]/.test(text));
  return isUtf8 ? asUtf8 : decodedAll(cells, encoding);
}

function decodedAll(cells: readonly string[], encoding: Encoding): Decoded {
  const texts = cells.map((cell) => decoded(cell, encoding));
  const known = texts.filter((text) => text !== null);
  return known.length === texts.length
    ? { isDecoded: true, texts: known }
    : { isDecoded: false, texts };
}

function cardRow(card: Vcard): FileRow {
  if (card.problem !== null) return { problem: { message: card.problem } };
  const kind = kindOfCard(card);
  if (kind !== null) return { skipped: `is a ${kind}, not a person` };
  return rowOf(fieldsOfCard(card));
}

function rowOf({ fields, left, problem }: FieldsOfRow): FileRow {
  return problem ? { problem } : { fields, left };
}
