"use node";

import { StyleSheet } from "@react-pdf/renderer";

/** Points; a page is A4. The recipient stands where the window of a DIN long envelope shows it. */
export const INK = "#1a1f2b";
export const QUIET = "#5c6473";
const RULE = "#c9ced8";
const MM = 72 / 25.4;

const PAGE = { width: 210 * MM, height: 297 * MM };
const MARGINS = { top: 20 * MM, bottom: 40 * MM, left: 25 * MM, right: 20 * MM };
export const FONT_SIZE = 9.5;
export const REMARK_SIZE = 8;
export const LINE_HEIGHT = 1.35;
export const ROW_PADDING = 4;
export const TEXT_WIDTH = PAGE.width - MARGINS.left - MARGINS.right;

const TABLE_HEAD = 8.5 * LINE_HEIGHT + 5;
const TEXT_HEIGHT = PAGE.height - MARGINS.top - MARGINS.bottom;
/** From the page's top to the end of the title. */
const LETTER_HEAD = 90 * MM;
/** How much of a page is free for lines: below the letter's head, and on a page of lines alone. */
export const ROOM = {
  first: TEXT_HEIGHT - LETTER_HEAD - TABLE_HEAD,
  next: TEXT_HEIGHT - TABLE_HEAD,
};

export const styles = StyleSheet.create({
  page: {
    fontSize: FONT_SIZE,
    lineHeight: LINE_HEIGHT,
    color: INK,
    paddingTop: MARGINS.top,
    paddingBottom: MARGINS.bottom,
    paddingLeft: MARGINS.left,
    paddingRight: MARGINS.right,
  },
  head: { height: 25 * MM, flexDirection: "row", justifyContent: "space-between" },
  logo: { maxWidth: 60 * MM, maxHeight: 22 * MM, objectFit: "contain", objectPosition: "left top" },
  company: { fontSize: 15, fontWeight: 700, maxWidth: 95 * MM },
  companyDetails: { alignItems: "flex-end", maxWidth: 75 * MM },
  quiet: { color: QUIET, fontSize: REMARK_SIZE },
  addressee: { flexDirection: "row", justifyContent: "space-between", minHeight: 40 * MM },
  recipient: { width: 85 * MM },
  returnAddress: { color: QUIET, fontSize: 6.5, marginBottom: 4 },
  facts: { width: 72 * MM },
  fact: { flexDirection: "row", justifyContent: "space-between", marginBottom: 2 },
  factValue: { textAlign: "right", maxWidth: 45 * MM },
  title: {
    fontSize: 17,
    lineHeight: 1.2,
    fontWeight: 700,
    marginTop: 4 * MM,
    marginBottom: 6 * MM,
  },
  paragraph: { marginBottom: 8 },

  tableHead: {
    flexDirection: "row",
    borderBottomWidth: 1,
    borderBottomColor: INK,
    paddingBottom: 3,
    fontWeight: 700,
    fontSize: 8.5,
  },
  row: {
    flexDirection: "row",
    borderBottomWidth: 0.5,
    borderBottomColor: RULE,
    paddingVertical: ROW_PADDING,
  },
  cell: { textAlign: "right", paddingLeft: 10 },

  sums: { alignSelf: "flex-end", width: 100 * MM, marginTop: 8 },
  sum: { flexDirection: "row", justifyContent: "space-between", paddingVertical: 1.5 },
  sumTotal: {
    fontWeight: 700,
    fontSize: 11,
    borderTopWidth: 1,
    borderTopColor: INK,
    marginTop: 3,
    paddingTop: 4,
  },

  payment: { flexDirection: "row", justifyContent: "space-between", marginTop: 7 * MM },
  paymentText: { flex: 1, paddingRight: 6 * MM },
  transfer: { flexDirection: "row", marginBottom: 1 },
  transferLabel: { width: 34 * MM, color: QUIET },
  transferValue: { flex: 1 },
  link: { color: "#1f4fbf" },
  code: { width: 30 * MM, alignItems: "center" },
  // Four modules stay clear around a code (ISO/IEC 18004), or scanners miss it.
  codeText: { color: QUIET, fontSize: 7, textAlign: "center", marginTop: 7 },
  closing: { marginTop: 6 * MM },
  heading: { fontWeight: 700, marginBottom: 2 },

  foot: {
    position: "absolute",
    left: MARGINS.left,
    right: MARGINS.right,
    top: PAGE.height - 32 * MM,
    fontSize: 7,
    color: QUIET,
  },
  footColumns: {
    flexDirection: "row",
    justifyContent: "space-between",
    borderTopWidth: 0.5,
    borderTopColor: RULE,
    paddingTop: 4,
  },
  footColumn: { maxWidth: 56 * MM },
  pageNumber: {
    position: "absolute",
    top: PAGE.height - 37 * MM,
    left: MARGINS.left,
    right: MARGINS.right,
    textAlign: "right",
    fontSize: 7,
    color: QUIET,
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
});
