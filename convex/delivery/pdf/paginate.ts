"use node";

import type { PrintedLine } from "../printed/sums";
import type { FontWeight, Measure } from "./measure";
import { FONT_SIZE, GAP, LINE_HEIGHT, REMARK_SIZE, ROW_PADDING, TEXT_WIDTH } from "./style";

type Column = keyof Omit<PrintedLine, "remark">;
/** Widths of the table's columns, in points: as wide as what stands in them, the rest for the words. */
export type Columns = Record<Column, number>;

/** A line of a cell: a row is divided between two of them, where it is taller than a page. */
type CellLine = { text: string; fontSize: number; fontWeight: FontWeight; isRemark: boolean };
export type Row = Record<Column, CellLine[]>;

const COLUMNS: readonly Column[] = [
  "position",
  "description",
  "quantity",
  "unitPrice",
  "taxRate",
  "net",
];
const SMALLEST_DESCRIPTION = 120;
const SMALLEST_QUANTITY = 50;
/** A row that goes on overleaf begins with at least so many lines. */
const FEWEST_LINES = 3;

export function columnsOf(
  lines: readonly PrintedLine[],
  heads: Omit<PrintedLine, "remark">,
  measure: Measure,
): Columns {
  const widest = (column: Column, shown = (line: PrintedLine): string => line[column]): number =>
    lines.reduce(
      (width, line) => Math.max(width, measure.width(shown(line), FONT_SIZE)),
      measure.width(heads[column], FONT_SIZE, 700),
    ) +
    GAP +
    1;
  const position = widest("position");
  const taxRate = widest("taxRate");
  const unitPrice = widest("unitPrice");
  const net = widest("net");
  // A unit may be words: these break, numbers do not.
  const numbers = widest("quantity", ({ quantity }) => quantity.split(" ")[0] ?? "");
  const left = TEXT_WIDTH - position - taxRate - unitPrice - net;
  const quantity = Math.min(
    widest("quantity"),
    Math.max(left - SMALLEST_DESCRIPTION, SMALLEST_QUANTITY, numbers),
  );
  return { position, quantity, unitPrice, taxRate, net, description: left - quantity };
}

/** The lines of a document as rows of a table, each cell in lines that fit its column. */
export function rowsOf(
  lines: readonly PrintedLine[],
  columns: Columns,
  measure: Measure,
  fontWeight: FontWeight = 400,
): Row[] {
  const cell = (
    text: string | null,
    column: Column,
    fontSize = FONT_SIZE,
    isRemark = false,
  ): CellLine[] =>
    text === null
      ? []
      : measure
          .lines(text, columns[column] - GAP, fontSize, fontWeight)
          .map((line) => ({ text: line, fontSize, fontWeight, isRemark }));
  return lines.map((line) => ({
    position: cell(line.position, "position"),
    description: [
      ...cell(line.description, "description"),
      ...cell(line.remark, "description", REMARK_SIZE, true),
    ],
    quantity: cell(line.quantity, "quantity"),
    unitPrice: cell(line.unitPrice, "unitPrice"),
    taxRate: cell(line.taxRate, "taxRate"),
    net: cell(line.net, "net"),
  }));
}

/**
 * The rows of each page. They are divided before they are laid out, because laying out what does
 * not fit costs the rest of the document anew on every page. A row that is taller than a page goes on
 * overleaf; another stands whole on one page.
 * @param room height that rows may take on the first page, and on each further one
 */
export function pagesOf(rows: readonly Row[], room: { first: number; next: number }): Row[][] {
  const pages: Row[][] = [[]];
  let left = room.first;
  const turn = (): void => {
    pages.push([]);
    left = room.next;
  };
  const put = (row: Row): void => {
    pages.at(-1)?.push(row);
    left -= heightOfRow(row);
  };
  for (const row of rows) {
    let rest = row;
    if (heightOfRow(rest) > left && heightOfRow(rest) <= room.next) turn();
    while (heightOfRow(rest) > left) {
      const lines = linesWithin(rest, left);
      if (lines < FEWEST_LINES && left < room.next) {
        turn();
        continue;
      }
      const count = Math.max(lines, 1);
      put(partOf(rest, 0, count));
      rest = partOf(rest, count);
      turn();
    }
    put(rest);
  }
  return pages;
}

function partOf(row: Row, from: number, to?: number): Row {
  const { position, description, quantity, unitPrice, taxRate, net } = row;
  const part = (lines: CellLine[]): CellLine[] => lines.slice(from, to);
  return {
    position: part(position),
    description: part(description),
    quantity: part(quantity),
    unitPrice: part(unitPrice),
    taxRate: part(taxRate),
    net: part(net),
  };
}

/** How many lines of each cell stand within a height. */
function linesWithin(row: Row, height: number): number {
  const most = Math.max(...COLUMNS.map((column) => row[column].length));
  let count = most;
  while (count > 0 && heightOfRow(partOf(row, 0, count)) > height) count -= 1;
  return count;
}

function heightOfRow(row: Row): number {
  const cells = COLUMNS.map((column) =>
    row[column].reduce((height, { fontSize }) => height + fontSize * LINE_HEIGHT, 0),
  );
  return Math.max(...cells) + 2 * ROW_PADDING + 1;
}
