"use node";

import type { PrintedPayment } from "../printed/payment";
import type { PrintedDocument } from "../printed/printedDocument";
import type { PrintedSum } from "../printed/sums";
import { filled, type Wording } from "../printed/wording";
import type { FontWeight, Measure } from "./measure";
import { type Columns, columnsOf, pagesOf, type Row, rowsOf } from "./paginate";
import { isRightToLeft } from "./lineBreaks";
import * as style from "./style";

/** A text in the lines that it is printed in: each fits its box. */
export type SetText = { lines: string[]; fontSize: number; fontWeight: FontWeight };
type SetPair = { label: SetText; value: SetText };
export type SetPayment = {
  text: SetText;
  transfer: SetPair[];
  link: (SetPair & { url: string }) | null;
  code: string | null;
  scan: SetText;
};

/** A document in lines and pages. Whoever draws it breaks nothing anew. */
export type Layout = {
  company: SetText;
  /** What stands opposite of the company's name or logo. */
  companyDetails: SetText[];
  returnAddress: SetText;
  recipient: SetText[];
  facts: SetPair[];
  title: SetText;
  introduction: SetText[];
  columns: Columns;
  heads: Row;
  /** The rows of each page. */
  pages: Row[][];
  sums: (SetPair & Pick<PrintedSum, "weight">)[];
  taxNotes: SetText[];
  payment: SetPayment | null;
  notes: { heading: SetText; paragraphs: SetText[] } | null;
  footer: SetText[];
  foot: SetText[][];
  /** Which document a page belongs to, beside the page's own number. */
  running: SetText;
  /** From the lower edge of the page, in points; what is filled in page by page, from the upper one. */
  footBottom: { foot: number; running: number; text: number; pageNumberFromTop: number };
};

export function layoutOf(printed: PrintedDocument, hasLogo: boolean, measure: Measure): Layout {
  const { letterhead, wording } = printed;
  const set = (
    text: string,
    width: number,
    fontSize = style.FONT_SIZE,
    fontWeight: FontWeight = 400,
  ): SetText => ({
    lines: measure.lines(text, width, fontSize, fontWeight),
    fontSize,
    fontWeight,
  });
  const small = (text: string, width: number): SetText => set(text, width, style.REMARK_SIZE);
  const labelWidth = Math.max(
    ...printed.facts.map(({ label }) => measure.width(label, style.REMARK_SIZE) + 1),
  );
  const name = [printed.title, printed.number].join(" ");
  const opening = {
    company: set(letterhead.name, style.WIDTHS.company, style.COMPANY_SIZE, 700),
    companyDetails: [
      ...(hasLogo ? [letterhead.name] : []),
      ...letterhead.address,
      ...letterhead.contact,
    ].map((line) => small(line, style.WIDTHS.companyDetails)),
    returnAddress: set(letterhead.returnAddress, style.WIDTHS.recipient, style.RETURN_SIZE),
    recipient: printed.recipient.map((line) => set(line, style.WIDTHS.recipient)),
    facts: printed.facts.map(({ label, value }) => ({
      label: small(label, labelWidth),
      value: set(value, style.WIDTHS.facts - labelWidth - style.GAP),
    })),
    title: set(
      printed.mark === null ? name : `${name} (${printed.mark})`,
      style.TEXT_WIDTH,
      style.TITLE_SIZE,
      700,
    ),
    introduction: printed.introduction.map((text) => set(text, style.TEXT_WIDTH)),
  };
  const footWidth = style.footColumnWidth(letterhead.foot.length);
  const foot = letterhead.foot.map((column) =>
    column.map((line) => set(line, footWidth, style.FOOT_SIZE)),
  );
  const running = set(name, style.WIDTHS.running, style.FOOT_SIZE);
  const footBottom = footOf(foot, running);
  const textHeight = style.textHeight(footBottom.text);
  const columns = columnsOf(printed.lines, wording, measure);
  const pages = pagesOf(rowsOf(printed.lines, columns, measure), {
    first: textHeight - openingHeight(opening) - style.TABLE_HEAD,
    next: textHeight - style.TABLE_HEAD,
  });
  const heads = rowsOf([{ ...wording, remark: null }], columns, measure, 700)[0];
  if (!heads) throw new Error("A table has no heads.");
  return {
    ...opening,
    columns,
    heads,
    pages,
    sums: printed.sums.map((sum) => setSum(sum, set, measure)),
    taxNotes: printed.taxNotes.map((text) => set(text, style.TEXT_WIDTH)),
    payment: printed.payment && setPayment(printed.payment, wording, set),
    notes: printed.notes && {
      heading: set(printed.notes.heading, style.TEXT_WIDTH, style.FONT_SIZE, 700),
      paragraphs: paragraphsOf(printed.notes.text, set),
    },
    footer: printed.footer === null ? [] : paragraphsOf(printed.footer, set),
    foot,
    running,
    footBottom,
  };
}

const LINES_OF_A_PART = 10;

type Set = (text: string, width: number, fontSize?: number, fontWeight?: FontWeight) => SetText;

/**
 * A text in parts between which a page may end. Laying out costs by the part, and a text may have
 * thousands of lines: short paragraphs of one direction are one.
 */
function paragraphsOf(text: string, set: Set): SetText[] {
  const parts: SetText[] = [];
  for (const paragraph of text.split(/\r?\n/)) {
    const next = set(paragraph, style.TEXT_WIDTH);
    const last = parts.at(-1);
    if (
      last &&
      last.lines.length + next.lines.length <= LINES_OF_A_PART &&
      isRightToLeft(last.lines.join("\n")) === isRightToLeft(paragraph)
    ) {
      last.lines.push(...next.lines);
    } else parts.push(next);
  }
  return parts;
}

function setSum(
  { label, value, weight }: PrintedSum,
  set: Set,
  measure: Measure,
): Layout["sums"][number] {
  const [size, boldness] =
    weight === "total" ? ([style.TOTAL_SIZE, 700] as const) : ([style.FONT_SIZE, 400] as const);
  const valueWidth = Math.min(measure.width(value, size, boldness) + 1, style.WIDTHS.sums / 2);
  const labelWidth = style.WIDTHS.sums - valueWidth - style.GAP;
  return {
    label: set(label, labelWidth, size, boldness),
    value: set(value, valueWidth, size, boldness),
    weight,
  };
}

function setPayment(payment: PrintedPayment, wording: Wording, set: Set): SetPayment {
  const { code, url } = payment;
  const width = style.paymentWidth(code !== null);
  const valueWidth = width - style.WIDTHS.transferLabel;
  const pair = (label: string, value: string): SetPair => ({
    label: set(label, style.WIDTHS.transferLabel - 2),
    value: set(value, valueWidth),
  });
  return {
    text: set(payment.text, width, style.FONT_SIZE, 700),
    transfer: payment.transfer.map(({ label, value }) => pair(label, value)),
    link: url === null ? null : { ...pair(wording.payOnline, url), url },
    code,
    scan: set(wording.scanToPay, style.WIDTHS.code, style.FOOT_SIZE),
  };
}

export function heightOf({ lines, fontSize }: SetText): number {
  return lines.length * fontSize * style.LINE_HEIGHT;
}

export function heightOfAll(texts: readonly SetText[]): number {
  return texts.reduce((height, text) => height + heightOf(text), 0);
}

/** From the upper margin to the table. */
function openingHeight(
  opening: Pick<
    Layout,
    | "company"
    | "companyDetails"
    | "returnAddress"
    | "recipient"
    | "facts"
    | "title"
    | "introduction"
  >,
): number {
  const { company, companyDetails, returnAddress, recipient, facts, title } = opening;
  const head = Math.max(style.HEAD_HEIGHT, heightOf(company), heightOfAll(companyDetails));
  const factsHeight = facts.reduce(
    (height, { label, value }) =>
      height + Math.max(heightOf(label), heightOf(value)) + style.FACT_GAP,
    0,
  );
  const address = heightOf(returnAddress) + style.RETURN_GAP + heightOfAll(recipient);
  const addressee = Math.max(style.ADDRESSEE_HEIGHT, address, factsHeight);
  const introduction = opening.introduction.reduce(
    (height, text) => height + heightOf(text) + style.PARAGRAPH_GAP,
    0,
  );
  return head + addressee + heightOf(title) + style.TITLE_GAPS + introduction;
}

/** The foot stands on the lower margin and grows upwards; text ends above it. */
function footOf(foot: readonly SetText[][], running: SetText): Layout["footBottom"] {
  const highest = Math.max(0, ...foot.map(heightOfAll));
  const runningBottom = style.MARGINS.foot + highest + style.FOOT_PADDING + style.FOOT_GAP;
  return {
    foot: style.MARGINS.foot,
    running: runningBottom,
    text: runningBottom + heightOf(running) + style.FOOT_GAP,
    pageNumberFromTop: style.PAGE.height - runningBottom - style.FOOT_SIZE * style.LINE_HEIGHT,
  };
}

export function runningPage(wording: Wording, page: number, pages: number): string {
  return filled(wording.page, { page: String(page), pages: String(pages) });
}
