"use node";

import { StyleSheet } from "@react-pdf/renderer";

/** Points; a page is A4. The recipient stands where the window of a DIN long envelope shows it. */
export const INK = "#1a1f2b";
const QUIET = "#5c6473";
const RULE = "#c9ced8";
const MM = 72 / 25.4;

export const PAGE = { width: 210 * MM, height: 297 * MM };
export const MARGINS = { top: 20 * MM, left: 25 * MM, right: 20 * MM, foot: 10 * MM };
export const TEXT_WIDTH = PAGE.width - MARGINS.left - MARGINS.right;

export const LINE_HEIGHT = 1.35;
export const FONT_SIZE = 9.5;
export const REMARK_SIZE = 8;
export const FOOT_SIZE = 7;
export const RETURN_SIZE = 6.5;
export const COMPANY_SIZE = 15;
export const TITLE_SIZE = 17;
export const TOTAL_SIZE = 11;

/** Between what stands side by side. */
export const GAP = 10;
export const ROW_PADDING = 4;
export const HEAD_HEIGHT = 25 * MM;
export const ADDRESSEE_HEIGHT = 36 * MM;
export const RETURN_GAP = 4;
export const FACT_GAP = 2;
export const PARAGRAPH_GAP = 8;
const TITLE_GAP = { above: 3 * MM, below: 5 * MM };
export const TITLE_GAPS = TITLE_GAP.above + TITLE_GAP.below;
export const FOOT_PADDING = 4;
export const FOOT_GAP = 6;
export const TABLE_HEAD = FONT_SIZE * LINE_HEIGHT + 4;
export const CODE_SIZE = 74;
/** A text of this height stands whole on one page. */
export const KEPT_WHOLE = 160;

export const WIDTHS = {
  company: 90 * MM,
  companyDetails: 70 * MM,
  recipient: 85 * MM,
  facts: 72 * MM,
  sums: 100 * MM,
  transferLabel: 34 * MM,
  code: 30 * MM,
  running: 120 * MM,
};
const PAYMENT_GAP = 6 * MM;

/** @param bottom how much of the page is below the text */
export function textHeight(bottom: number): number {
  return PAGE.height - MARGINS.top - bottom;
}

export function footColumnWidth(columns: number): number {
  return (TEXT_WIDTH - GAP * 2) / Math.max(columns, 3);
}

export function paymentWidth(hasCode: boolean): number {
  return TEXT_WIDTH - PAYMENT_GAP - (hasCode ? WIDTHS.code : 0);
}

export const styles = StyleSheet.create({
  page: {
    fontSize: FONT_SIZE,
    lineHeight: LINE_HEIGHT,
    color: INK,
    paddingTop: MARGINS.top,
    paddingLeft: MARGINS.left,
    paddingRight: MARGINS.right,
  },
  head: { minHeight: HEAD_HEIGHT, flexDirection: "row", justifyContent: "space-between" },
  logo: { maxWidth: 60 * MM, maxHeight: 22 * MM, objectFit: "contain", objectPosition: "left top" },
  company: { width: WIDTHS.company },
  companyDetails: { alignItems: "flex-end", width: WIDTHS.companyDetails },
  detail: { color: QUIET, textAlign: "right" },
  quiet: { color: QUIET },
  addressee: {
    flexDirection: "row",
    justifyContent: "space-between",
    minHeight: ADDRESSEE_HEIGHT,
  },
  recipient: { width: WIDTHS.recipient },
  returnAddress: { color: QUIET, marginBottom: RETURN_GAP },
  facts: { width: WIDTHS.facts },
  fact: { flexDirection: "row", justifyContent: "space-between", marginBottom: FACT_GAP },
  factLabel: { color: QUIET },
  factValue: { textAlign: "right" },
  title: { marginTop: TITLE_GAP.above, marginBottom: TITLE_GAP.below },
  paragraph: { marginBottom: PARAGRAPH_GAP },

  tableHead: {
    flexDirection: "row",
    borderBottomWidth: 1,
    borderBottomColor: INK,
    paddingBottom: 3,
  },
  row: {
    flexDirection: "row",
    borderBottomWidth: 0.5,
    borderBottomColor: RULE,
    paddingVertical: ROW_PADDING,
  },
  figure: { textAlign: "right" },

  sums: { alignSelf: "flex-end", width: WIDTHS.sums, marginTop: 8 },
  sum: { flexDirection: "row", justifyContent: "space-between", paddingVertical: 1.5 },
  sumValue: { textAlign: "right" },
  sumTotal: { borderTopWidth: 1, borderTopColor: INK, marginTop: 3, paddingTop: 4 },

  payment: { flexDirection: "row", justifyContent: "space-between", marginTop: 5 * MM },
  paymentText: { flex: 1, paddingRight: PAYMENT_GAP },
  transfer: { flexDirection: "row", marginBottom: 1 },
  transferLabel: { width: WIDTHS.transferLabel, color: QUIET },
  transferValue: { flex: 1 },
  link: { color: "#1f4fbf" },
  code: { width: WIDTHS.code, alignItems: "center" },
  // Four modules stay clear around a code (ISO/IEC 18004), or scanners miss it.
  codeText: { color: QUIET, textAlign: "center", marginTop: 7 },
  closing: { marginTop: 4 * MM },
  heading: { marginBottom: 2 },

  foot: {
    position: "absolute",
    left: MARGINS.left,
    right: MARGINS.right,
    color: QUIET,
    flexDirection: "row",
    justifyContent: "space-between",
    borderTopWidth: 0.5,
    borderTopColor: RULE,
    paddingTop: FOOT_PADDING,
  },
  running: {
    position: "absolute",
    left: MARGINS.left,
    right: MARGINS.right,
    color: QUIET,
  },
  pageNumber: {
    position: "absolute",
    left: MARGINS.left + WIDTHS.running,
    right: MARGINS.right,
    color: QUIET,
    fontSize: FOOT_SIZE,
    lineHeight: LINE_HEIGHT,
    textAlign: "right",
  },
  mark: {
    position: "absolute",
    top: 120 * MM,
    left: 0,
    right: 0,
    textAlign: "center",
    fontSize: 92,
    fontWeight: 700,
    color: "#eceef2",
    transform: "rotate(-35deg)",
  },
  test: {
    position: "absolute",
    top: 110 * MM,
    left: 0,
    right: 0,
    textAlign: "center",
    fontSize: 150,
    fontWeight: 700,
    color: "#e4e7ee",
    transform: "rotate(-35deg)",
  },
  // Where both marks stand.
  above: { top: 55 * MM },
  below: { top: 165 * MM },
});
