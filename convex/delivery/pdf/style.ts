"use node";

import { StyleSheet } from "@react-pdf/renderer";

/** Points; a page is A4. The recipient stands where the window of a DIN long envelope shows it. */
export const INK = "#1a1f2b";
export const QUIET = "#5c6473";
const RULE = "#c9ced8";
const MM = 72 / 25.4;

export const styles = StyleSheet.create({
  page: {
    fontSize: 9.5,
    lineHeight: 1.35,
    color: INK,
    paddingTop: 20 * MM,
    paddingBottom: 38 * MM,
    paddingLeft: 25 * MM,
    paddingRight: 20 * MM,
  },
  head: { height: 25 * MM, flexDirection: "row", justifyContent: "space-between" },
  logo: { maxWidth: 60 * MM, maxHeight: 22 * MM, objectFit: "contain", objectPosition: "left top" },
  company: { fontSize: 15, fontWeight: 700, maxWidth: 95 * MM },
  companyDetails: { alignItems: "flex-end", maxWidth: 75 * MM },
  quiet: { color: QUIET, fontSize: 8 },
  addressee: { flexDirection: "row", justifyContent: "space-between", minHeight: 40 * MM },
  recipient: { width: 85 * MM },
  returnAddress: { color: QUIET, fontSize: 6.5, marginBottom: 4 },
  facts: { width: 72 * MM },
  fact: { flexDirection: "row", justifyContent: "space-between", marginBottom: 2 },
  factValue: { textAlign: "right", maxWidth: 45 * MM },
  title: { fontSize: 17, fontWeight: 700, marginTop: 6 * MM, marginBottom: 4 * MM },
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
    paddingVertical: 4,
  },
  position: { width: 28 },
  description: { flex: 1, paddingRight: 8 },
  quantity: { width: 76, textAlign: "right" },
  unitPrice: { width: 76, textAlign: "right" },
  taxRate: { width: 42, textAlign: "right" },
  net: { width: 82, textAlign: "right" },

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
  code: { width: 26 * MM, alignItems: "center" },
  closing: { marginTop: 6 * MM },
  heading: { fontWeight: 700, marginBottom: 2 },

  foot: {
    position: "absolute",
    left: 25 * MM,
    right: 20 * MM,
    bottom: 10 * MM,
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
  pageNumber: { textAlign: "right", marginBottom: 3 },
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
