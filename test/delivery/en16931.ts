import { XMLParser } from "fast-xml-parser";

/**
 * The arithmetic and category rules of EN 16931 (BR-CO-10 to BR-CO-17, BR-S, BR-Z, BR-E, BR-AE, BR-O),
 * computed anew from what an XML says. It knows nothing of what made the XML.
 */
type Node = { [name: string]: Node } & { "#text"?: string };

const ARRAYS = new Set(
  "InvoiceLine CreditNoteLine AllowanceCharge TaxSubtotal IncludedSupplyChainTradeLineItem SpecifiedTradeAllowanceCharge ApplicableTradeTax PartyTaxScheme SpecifiedTaxRegistration".split(
    " ",
  ),
);
const parser = new XMLParser({
  ignoreAttributes: false,
  removeNSPrefix: true,
  parseTagValue: false,
  isArray: (name) => ARRAYS.has(name),
});

/** An e-invoice as both syntaxes say it. */
export type Read = {
  typeCode: string;
  number: string;
  currency: string;
  lines: ReadLine[];
  allowances: (Category & { amount: bigint; isCharge: boolean })[];
  taxes: (Category & { taxable: bigint; tax: bigint; reason: string | undefined })[];
  totals: Record<
    "lines" | "allowances" | "charges" | "net" | "tax" | "gross" | "paid" | "payable",
    bigint
  >;
  sellerTaxIds: string[];
  /** BT-29, BT-30 and BT-31. */
  sellerIds: string[];
  buyerTaxIds: string[];
  /** Of a credit note: BT-25 and BT-26. */
  preceding: { number: string; day: string } | undefined;
};
type Category = { category: string; rate: string };
type ReadLine = Category & {
  net: bigint;
  quantity: string;
  price: string;
  taken: bigint;
};

export function readXml(xml: string): Read {
  const root = parser.parse(xml) as Record<string, Node>;
  const cii = root.CrossIndustryInvoice;
  if (cii) return readCii(cii);
  const ubl = root.Invoice ?? root.CreditNote;
  if (!ubl) throw new Error("Neither UBL nor CII.");
  return readUbl(ubl);
}

function readUbl(ubl: Node): Read {
  const total = at(ubl, "LegalMonetaryTotal");
  const taxId = (party: string): string[] =>
    list(at(ubl, party, "Party", "PartyTaxScheme")).map((scheme) => text(scheme, "CompanyID"));
  return {
    typeCode: text(ubl, "InvoiceTypeCode") || text(ubl, "CreditNoteTypeCode"),
    number: text(ubl, "ID"),
    currency: text(ubl, "DocumentCurrencyCode"),
    lines: list(ubl.InvoiceLine ?? ubl.CreditNoteLine).map((line) => {
      const quantity = line.InvoicedQuantity ?? line.CreditedQuantity;
      return {
        ...categoryOf(at(line, "Item", "ClassifiedTaxCategory")),
        net: cents(text(line, "LineExtensionAmount")),
        quantity: quantity?.["#text"] ?? "",
        price: text(at(line, "Price"), "PriceAmount"),
        taken: taken(list(line.AllowanceCharge).map(allowanceOfUbl)),
      };
    }),
    allowances: list(ubl.AllowanceCharge).map((node) => ({
      ...categoryOf(at(node, "TaxCategory")),
      ...allowanceOfUbl(node),
    })),
    taxes: list(at(ubl, "TaxTotal", "TaxSubtotal")).map((share) => ({
      ...categoryOf(at(share, "TaxCategory")),
      taxable: cents(text(share, "TaxableAmount")),
      tax: cents(text(share, "TaxAmount")),
      reason:
        at(share, "TaxCategory").TaxExemptionReason &&
        text(at(share, "TaxCategory"), "TaxExemptionReason"),
    })),
    totals: {
      lines: cents(text(total, "LineExtensionAmount")),
      allowances: cents(text(total, "AllowanceTotalAmount")),
      charges: cents(text(total, "ChargeTotalAmount")),
      net: cents(text(total, "TaxExclusiveAmount")),
      tax: cents(text(at(ubl, "TaxTotal"), "TaxAmount")),
      gross: cents(text(total, "TaxInclusiveAmount")),
      paid: cents(text(total, "PrepaidAmount")),
      payable: cents(text(total, "PayableAmount")),
    },
    sellerTaxIds: taxId("AccountingSupplierParty"),
    sellerIds: [
      text(at(ubl, "AccountingSupplierParty", "Party", "PartyIdentification"), "ID"),
      text(at(ubl, "AccountingSupplierParty", "Party", "PartyLegalEntity"), "CompanyID"),
      ...list(at(ubl, "AccountingSupplierParty", "Party", "PartyTaxScheme"))
        .filter((scheme) => text(at(scheme, "TaxScheme"), "ID") === "VAT")
        .map((scheme) => text(scheme, "CompanyID")),
    ].filter((id) => id !== ""),
    buyerTaxIds: taxId("AccountingCustomerParty"),
    preceding: precedingOf(
      text(at(ubl, "BillingReference", "InvoiceDocumentReference"), "ID"),
      text(at(ubl, "BillingReference", "InvoiceDocumentReference"), "IssueDate"),
    ),
  };
}

function readCii(cii: Node): Read {
  const trade = at(cii, "SupplyChainTradeTransaction");
  const settlement = at(trade, "ApplicableHeaderTradeSettlement");
  const total = at(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation");
  const agreement = at(trade, "ApplicableHeaderTradeAgreement");
  const taxId = (party: string): string[] =>
    list(at(agreement, party).SpecifiedTaxRegistration).map((node) => text(node, "ID"));
  return {
    typeCode: text(at(cii, "ExchangedDocument"), "TypeCode"),
    number: text(at(cii, "ExchangedDocument"), "ID"),
    currency: text(settlement, "InvoiceCurrencyCode"),
    lines: list(trade.IncludedSupplyChainTradeLineItem).map((line) => {
      const billed = at(line, "SpecifiedLineTradeDelivery", "BilledQuantity");
      const own = at(line, "SpecifiedLineTradeSettlement");
      return {
        ...categoryOf(list(own.ApplicableTradeTax)[0] ?? {}),
        net: cents(
          text(at(own, "SpecifiedTradeSettlementLineMonetarySummation"), "LineTotalAmount"),
        ),
        quantity: billed["#text"] ?? "",
        price: text(
          at(line, "SpecifiedLineTradeAgreement", "NetPriceProductTradePrice"),
          "ChargeAmount",
        ),
        taken: taken(list(own.SpecifiedTradeAllowanceCharge).map(allowanceOfCii)),
      };
    }),
    allowances: list(settlement.SpecifiedTradeAllowanceCharge).map((node) => ({
      ...categoryOf(at(node, "CategoryTradeTax")),
      ...allowanceOfCii(node),
    })),
    taxes: list(settlement.ApplicableTradeTax).map((share) => ({
      ...categoryOf(share),
      taxable: cents(text(share, "BasisAmount")),
      tax: cents(text(share, "CalculatedAmount")),
      reason: share.ExemptionReason && text(share, "ExemptionReason"),
    })),
    totals: {
      lines: cents(text(total, "LineTotalAmount")),
      allowances: cents(text(total, "AllowanceTotalAmount")),
      charges: cents(text(total, "ChargeTotalAmount")),
      net: cents(text(total, "TaxBasisTotalAmount")),
      tax: cents(text(total, "TaxTotalAmount")),
      gross: cents(text(total, "GrandTotalAmount")),
      paid: cents(text(total, "TotalPrepaidAmount")),
      payable: cents(text(total, "DuePayableAmount")),
    },
    sellerTaxIds: taxId("SellerTradeParty"),
    sellerIds: [
      text(at(agreement, "SellerTradeParty"), "ID"),
      text(at(agreement, "SellerTradeParty", "SpecifiedLegalOrganization"), "ID"),
      ...list(at(agreement, "SellerTradeParty").SpecifiedTaxRegistration)
        .filter((node) => at(node, "ID")["@_schemeID"] === ("VA" as unknown))
        .map((node) => text(node, "ID")),
    ].filter((id) => id !== ""),
    buyerTaxIds: taxId("BuyerTradeParty"),
    preceding: precedingOf(
      text(at(settlement, "InvoiceReferencedDocument"), "IssuerAssignedID"),
      text(
        at(settlement, "InvoiceReferencedDocument", "FormattedIssueDateTime"),
        "DateTimeString",
      ).replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3"),
    ),
  };
}

function precedingOf(number: string, day: string): Read["preceding"] {
  return number === "" ? undefined : { number, day };
}

/** The rules that an e-invoice breaks, by name; none where it is good. */
export function brokenRules(read: Read): string[] {
  const { lines, allowances, taxes, totals } = read;
  const of = (isCharge: boolean): bigint =>
    sum(allowances.filter((one) => one.isCharge === isCharge).map(({ amount }) => amount));
  const rules: [string, boolean][] = [
    ["BR-16", lines.length > 0],
    ["BR-27", lines.every(({ price }) => !price.startsWith("-"))],
    ["BR-CO-10", totals.lines === sum(lines.map(({ net }) => net))],
    ["BR-CO-11", totals.allowances === of(false)],
    ["BR-CO-12", totals.charges === of(true)],
    ["BR-CO-13", totals.net === totals.lines - totals.allowances + totals.charges],
    ["BR-CO-14", totals.tax === sum(taxes.map(({ tax }) => tax))],
    ["BR-CO-15", totals.gross === totals.net + totals.tax],
    ["BR-CO-16", totals.payable === totals.gross - totals.paid],
    ["BR-CO-18", taxes.length > 0],
    ["BR-CO-26", read.sellerIds.length > 0],
    ["BR-S-02", taxes.every(({ category }) => category === "O") || read.sellerTaxIds.length > 0],
    ["line nets", lines.every(isExactLine)],
    ["allowances are positive", allowances.every(({ amount }) => amount > 0n)],
  ];
  for (const share of taxes) {
    const { category, rate } = share;
    const own = (other: Category): boolean => other.category === category && other.rate === rate;
    const base =
      sum(lines.filter(own).map(({ net }) => net)) -
      sum(allowances.filter(own).map((one) => (one.isCharge ? -one.amount : one.amount)));
    rules.push(
      [`BR-${category}-08`, share.taxable === base],
      ["BR-CO-17", share.tax === rounded(share.taxable, rate)],
      [`BR-${category}-10`, ["S", "Z"].includes(category) === (share.reason === undefined)],
      [`BR-${category}-05`, category === "S" ? Number(rate) > 0 : Number(rate || "0") === 0],
    );
    if (category === "O") rules.push(["BR-O-05", rate === ""], ["BR-O-11", taxes.length === 1]);
    if (category === "AE") rules.push(["BR-AE-02", read.buyerTaxIds.length > 0]);
  }
  const isInBreakdown = (one: Category): boolean =>
    taxes.some((share) => share.category === one.category && share.rate === one.rate);
  rules.push(["BR-S-01", [...lines, ...allowances].every(isInBreakdown)]);
  return rules.filter(([, holds]) => !holds).map(([name]) => name);
}

/** Quantity × price, rounded, less the line's allowances: what BT-131 is (EN 16931, 6.4.2). */
function isExactLine({ quantity, price, net, taken: allowance }: ReadLine): boolean {
  const [a, b] = [decimal(quantity), decimal(price)];
  return net === halfUp(a.units * b.units * 100n, 10n ** BigInt(a.scale + b.scale)) - allowance;
}

function rounded(taxable: bigint, rate: string): bigint {
  const { units, scale } = decimal(rate === "" ? "0" : rate);
  return halfUp(taxable * units, 100n * 10n ** BigInt(scale));
}

function halfUp(numerator: bigint, denominator: bigint): bigint {
  const sign = numerator < 0n ? -1n : 1n;
  return (sign * (2n * numerator * sign + denominator)) / (2n * denominator);
}

function decimal(written: string): { units: bigint; scale: number } {
  const [whole = "", fraction = ""] = written.split(".");
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

function cents(written: string): bigint {
  if (written === "") return 0n;
  const { units, scale } = decimal(written);
  if (scale > 2) throw new Error(`BR-DEC: ${written}`);
  return units * 10n ** BigInt(2 - scale);
}

const sum = (amounts: bigint[]): bigint => amounts.reduce((a, b) => a + b, 0n);

function taken(allowances: { amount: bigint; isCharge: boolean }[]): bigint {
  return sum(allowances.map(({ amount, isCharge }) => (isCharge ? -amount : amount)));
}

function allowanceOfUbl(node: Node): { amount: bigint; isCharge: boolean } {
  return {
    amount: cents(text(node, "Amount")),
    isCharge: text(node, "ChargeIndicator") === "true",
  };
}

function allowanceOfCii(node: Node): { amount: bigint; isCharge: boolean } {
  const isCharge = text(at(node, "ChargeIndicator"), "Indicator") === "true";
  return { amount: cents(text(node, "ActualAmount")), isCharge };
}

/** A rate without the zeros that say nothing. */
function categoryOf(node: Node): Category {
  const rate = text(node, "Percent") || text(node, "RateApplicablePercent");
  return {
    category: text(node, "ID") || text(node, "CategoryCode"),
    rate: rate === "" ? "" : String(Number(rate)),
  };
}

function at(node: Node | undefined, ...path: string[]): Node {
  const found = path.reduce<Node | undefined>((inner, name) => inner?.[name], node);
  return found ?? {};
}

function list(nodes: unknown): Node[] {
  if (nodes === undefined) return [];
  const found = nodes as Node | Node[];
  if (Array.isArray(found)) return found;
  return Object.keys(found).length === 0 ? [] : [found];
}

function text(node: Node, name: string): string {
  const found: unknown = node[name];
  if (typeof found === "string") return found;
  const inner = (found as Node | undefined)?.["#text"];
  return inner ?? "";
}
