import Papa from "papaparse";
import { markLength } from "./charset";

/**
 * CSV as RFC 4180 has it and as spreadsheets write it. Reading works on windows of a file, so that
 * memory does not grow with the file, and goes on behind a row that is damaged: the library reads
 * cells, but a quote that does not end takes all of the file's rest into one of them.
 */
export type CsvDialect = { delimiter: string; columns: number };
export type CsvRecord = { cells: string[]; problem: string | null };
export type CsvReading = {
  records: CsvRecord[];
  /** Where the last of them ends. */
  end: number;
  /** It does not end there: it is longer than the window, which is as long as windows get. */
  isCut: boolean;
};
export type WindowOptions = {
  limit: number;
  /** The window reaches the end of the file. */
  atEnd: boolean;
  /** There will be no longer window that begins here. */
  isLongest: boolean;
};

const DELIMITERS = [",", ";", "\t", "|"] as const;
const LINE_END = /\r\n|\n|\r/g;

/**
 * What runs as a formula when a spreadsheet opens the file, also behind apostrophes of its own, white
 * space and invisible characters, and in the full-width and small forms that Japanese ones run.
 */
const STARTS_FORMULA = String.raw`(?:[\t\r\n]|[\s\p{Cf}]*[=+\-@＝＋－＠﹦﹢﹣﹫])`;
const FORMULA = new RegExp(`^'*${STARTS_FORMULA}`, "u");
const GUARDED_FORMULA = new RegExp(`^'+${STARTS_FORMULA}`, "u");

/** One line; an apostrophe keeps spreadsheets from running a cell, and `readCell` takes it off. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(writtenCell).join(",") + "\r\n";
}

function writtenCell(cell: string): string {
  const guarded = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",;\r\n\t]|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** A cell as it was before `csvLine` guarded it. */
export function readCell(cell: string): string {
  return GUARDED_FORMULA.test(cell) ? cell.slice(1) : cell;
}

/**
 * The delimiter, by the line `sep=;` that some programs write for Excel or else by the first line,
 * and where the header begins.
 */
export function dialectOf(start: string): { delimiter: string; header: number } {
  const [line = "", delimiter] = /^"?sep=(.)"?[ \t]*(?:\r\n|\n|\r|$)/i.exec(start) ?? [];
  if (delimiter !== undefined) return { delimiter, header: line.length };
  const unquoted = start.trimStart().replace(/"[^"]*"/g, "");
  const [header = ""] = unquoted.split(/[\r\n]/, 1);
  const count = (candidate: string): number => header.split(candidate).length;
  const best = DELIMITERS.reduce((most, next) => (count(next) > count(most) ? next : most));
  return { delimiter: best, header: 0 };
}

/** The cells of the first row that has any, or null; and where the row ends. */
export function readHeader(
  start: string,
  delimiter: string,
): { cells: string[]; end: number } | null {
  const options = { limit: 1, atEnd: true, isLongest: true };
  const { records, end } = readCsv(start, { delimiter, columns: 0 }, options);
  const [header] = records;
  return header?.problem === null ? { cells: header.cells, end } : null;
}

/**
 * Up to `limit` records from the start of a window, without blank lines. A record that reaches the
 * end of the window is left for a longer one. Of one whose quotes do not match, each line is a record
 * that is refused, until a line reads as a whole row.
 */
export function readCsv(window: string, dialect: CsvDialect, options: WindowOptions): CsvReading {
  const { limit, atEnd, isLongest } = options;
  const records: CsvRecord[] = [];
  let at = 0;
  while (records.length < limit && at < window.length) {
    // Also within: files are put together of files.
    const start = at + markLength(window, at);
    const row = rowAt(window, start, dialect, atEnd);
    if (row === "open" && !isLongest) break;
    if (typeof row === "object") {
      const text = window.slice(start, row.end);
      const cells = cellsOf(text, dialect);
      if (!hasTakenFromNext(text, cells, dialect)) {
        if (!isBlank(cells)) records.push({ cells, problem: null });
        at = row.next;
        continue;
      }
    }
    const next = wholeRowAfter(window, start, dialect, options);
    if (next === "unknown") break;
    if (next === "beyond") {
      if (at > 0) break;
      const problem = "is longer than 2 MiB";
      return { records: [{ cells: [], problem }], end: window.length, isCut: true };
    }
    records.push(...refusedLines(window.slice(start, next)));
    at = next;
  }
  return { records, end: at, isCut: false };
}

type Row = { end: number; next: number };

/**
 * Where the row that begins here ends, and the next begins. It is `open` when the window ends before
 * it does, and `broken` when a quote closes before its cell does.
 */
function rowAt(
  text: string,
  start: number,
  { delimiter, columns }: CsvDialect,
  atEnd: boolean,
): Row | "open" | "broken" {
  let at = start;
  let hasLines = false;
  for (;;) {
    if (text[at] === '"') {
      const closing = closingQuote(text, at);
      if (closing === null) return "open";
      hasLines ||= /[\r\n]/.test(text.slice(at, closing));
      at = afterSpaces(text, closing + 1, delimiter);
      if (at >= text.length && !atEnd) return "open";
    } else {
      at = nextSeparator(text, at, delimiter);
    }
    const separator = text[at];
    if (separator === delimiter) {
      at += 1;
      continue;
    }
    if (separator === undefined) {
      if (!atEnd) return "open";
    } else if (separator === "\r") {
      if (at + 1 === text.length && !atEnd) return "open";
    } else if (separator !== "\n") return "broken";
    const next = at + (text.startsWith("\r\n", at) ? 2 : 1);
    const isBroken = hasLines && hasSwallowedRows(text.slice(start, at), { delimiter, columns });
    return isBroken ? "broken" : { end: at, next: Math.min(next, text.length) };
  }
}

function closingQuote(text: string, opening: number): number | null {
  let at = opening;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return null;
    if (text[at + 1] !== '"') return at;
    at += 1;
  }
}

function afterSpaces(text: string, start: number, delimiter: string): number {
  let at = start;
  while (text[at] !== delimiter && (text[at] === " " || text[at] === "\t")) at += 1;
  return at;
}

function nextSeparator(text: string, start: number, delimiter: string): number {
  let at = start;
  while (at < text.length) {
    const character = text[at];
    if (character === delimiter || character === "\n" || character === "\r") break;
    at += 1;
  }
  return at;
}

/**
 * Whether a quote that was left open has found its end in a later row: then all the lines within the
 * cell are whole rows. Prose does not have as many delimiters as the header, line for line.
 */
function hasSwallowedRows(row: string, dialect: CsvDialect): boolean {
  if (dialect.columns < 3) return false;
  const within = row.split(LINE_END).slice(1, -1);
  return (
    within.length >= 3 && within.every((line) => cellsOf(line, dialect).length === dialect.columns)
  );
}

/** A quote that was left open has found its end where the next row opens one: cells of both are one row. */
function hasTakenFromNext(row: string, cells: readonly string[], { columns }: CsvDialect): boolean {
  return columns > 1 && /[\r\n]/.test(row) && !isBlank(cells.slice(columns));
}

/** How many lines behind a broken row are looked at for a whole one. */
const LINES_LOOKED_AT = 20;

/**
 * The line behind a broken row from which rows read well again: the next with as many cells as the
 * header, or else with more than one.
 */
function wholeRowAfter(
  text: string,
  start: number,
  dialect: CsvDialect,
  { atEnd, isLongest }: WindowOptions,
): number | "unknown" | "beyond" {
  let line = lineAfter(text, start);
  if (line === null) return atEnd ? text.length : isLongest ? "beyond" : "unknown";
  const fewest = Math.min(2, dialect.columns);
  let shorter: number | null = null;
  for (let looked = 0; looked < LINES_LOOKED_AT && line < text.length; looked++) {
    const row = rowAt(text, line, dialect, atEnd);
    if (row === "open" && !isLongest) return "unknown";
    if (typeof row === "object") {
      const { length } = cellsOf(text.slice(line, row.end), dialect);
      if (length === dialect.columns) return line;
      if (length >= fewest && length < dialect.columns) shorter ??= line;
    }
    const next = lineAfter(text, line);
    line = next ?? text.length;
  }
  const isAllSeen = line < text.length || atEnd || isLongest;
  return isAllSeen ? (shorter ?? line) : "unknown";
}

function lineAfter(text: string, start: number): number | null {
  LINE_END.lastIndex = start;
  return LINE_END.test(text) ? LINE_END.lastIndex : null;
}

function refusedLines(text: string): CsvRecord[] {
  const lines = text.split(LINE_END).filter((line) => line.trim() !== "");
  return lines.map((_, index) => ({
    cells: [],
    problem:
      index === 0
        ? "has quotes that do not match"
        : "cannot be told from the row before it, whose quotes do not match",
  }));
}

function cellsOf(row: string, { delimiter }: Pick<CsvDialect, "delimiter">): string[] {
  return Papa.parse<string[]>(row, { delimiter, newline: "\n" }).data[0] ?? [];
}

function isBlank(cells: readonly string[]): boolean {
  return cells.every((cell) => cell.trim() === "");
}
