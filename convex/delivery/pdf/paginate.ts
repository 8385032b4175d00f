"use node";

import type { PrintedLine } from "../printed/sums";
import type { Measure } from "./measure";
import { FONT_SIZE, LINE_HEIGHT, REMARK_SIZE, ROW_PADDING, TEXT_WIDTH } from "./style";

/** Widths of the table's columns, in points: as wide as what stands in them, the rest for the words. */
export type Columns = Record<keyof Omit<PrintedLine, "remark">, number>;

const GAP = 10;
const SMALLEST_DESCRIPTION = 120;

export function columnsOf(
  lines: readonly PrintedLine[],
  heads: Omit<PrintedLine, "remark">,
  measure: Measure,
): Columns {
  const widest = (column: keyof Columns): number =>
    lines.reduce(
      (width, line) => Math.max(width, measure.width(line[column], FONT_SIZE)),
      measure.width(heads[column], FONT_SIZE, 700),
    ) + GAP;
  const position = widest("position");
  const taxRate = widest("taxRate");
  const unitPrice = widest("unitPrice");
  const net = widest("net");
  // A unit may be words: these break, numbers do not.
  const left = TEXT_WIDTH - position - taxRate - unitPrice - net;
  const quantity = Math.min(widest("quantity"), Math.max(left - SMALLEST_DESCRIPTION, 50));
  return { position, quantity, unitPrice, taxRate, net, description: left - quantity };
}

/**
 * The lines of each page. They are divided before they are laid out, because laying out what does
 * not fit costs the rest of the document anew on every page.
 * @param first height that lines may take on the first page, `next` on each further one
 */
export function pagesOf(
  lines: readonly PrintedLine[],
  columns: Columns,
  measure: Measure,
  room: { first: number; next: number },
): PrintedLine[][] {
  const pages: PrintedLine[][] = [[]];
  let left = room.first;
  for (const line of lines) {
    const height = heightOf(line, columns, measure);
    const page = pages.at(-1);
    if (page && (height <= left || page.length === 0)) page.push(line);
    else {
      pages.push([line]);
      left = room.next;
    }
    left -= height;
  }
  return pages;
}

function heightOf(line: PrintedLine, columns: Columns, measure: Measure): number {
  const words = measure.lines(line.description, columns.description - GAP, FONT_SIZE);
  const remark =
    line.remark === null
      ? 0
      : measure.lines(line.remark, columns.description - GAP, REMARK_SIZE) * REMARK_SIZE;
  const quantity = measure.lines(line.quantity, columns.quantity - GAP, FONT_SIZE);
  const text = Math.max(words * FONT_SIZE + remark, quantity * FONT_SIZE) * LINE_HEIGHT;
  return text + 2 * ROW_PADDING + 1;
}
