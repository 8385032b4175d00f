import Papa from "papaparse";

/**
 * CSV as RFC 4180 has it and as spreadsheets write it. Reading works on windows of a file, so that
 * memory does not grow with the file.
 */
export type CsvDialect = { delimiter: string; newline: "\r\n" | "\n" | "\r" };
export type CsvRecord = { cells: string[]; problem: string | null };

const DELIMITERS = [",", ";", "\t", "|"] as const;

/** What runs as a formula when a spreadsheet opens the file, also behind apostrophes of its own. */
const FORMULA = /^'*[=+\-@\t\r]/;
const GUARDED_FORMULA = /^'+[=+\-@\t\r]/;

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

/** Delimiter and line ends, by the file's first line. */
export function dialectOf(start: string): CsvDialect {
  const unquoted = start.replace(/"[^"]*"/g, "");
  const [newline = "\r\n"] = /\r\n|\n|\r/.exec(unquoted) ?? [];
  const [header = ""] = unquoted.split(newline, 1);
  const count = (delimiter: string): number => header.split(delimiter).length;
  const delimiter = DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best));
  return { delimiter, newline: newline as CsvDialect["newline"] };
}

/**
 * Up to `limit` records from the start of a window, without blank lines, and where the last of them
 * ends. Unless the window reaches the end of the file, a record that touches its end is left alone.
 */
export function readCsv(
  window: string,
  dialect: CsvDialect,
  { limit, atEnd }: { limit: number; atEnd: boolean },
): { records: CsvRecord[]; end: number } {
  const records: CsvRecord[] = [];
  let end = 0;
  Papa.parse<string[]>(window, {
    ...dialect,
    step: ({ data, errors, meta }, parser) => {
      if (meta.cursor >= window.length && !atEnd) return;
      end = meta.cursor;
      if (data.some((cell) => cell.trim() !== "")) {
        const problem = errors.find(({ type }) => type === "Quotes");
        records.push({ cells: data, problem: problem ? "has quotes that do not match" : null });
      }
      if (records.length >= limit) parser.abort();
    },
  });
  return { records, end };
}
