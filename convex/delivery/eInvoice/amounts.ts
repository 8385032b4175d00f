import { grossOf, taxKey } from "../../money/totals";
import type { SalesContent, StoredLine } from "../../ontology/salesDocument";
import type { Wording } from "../printed/wording";
import { ONE, unitCodeOf } from "../../kit/unitCodes";
import { VAT_CATEGORY } from "./codes";

/** Figures as the XML has them: with a point, and the decimals of the currency. */
export type AmountText = (amountInCents: number) => string;

/** How the amounts of a document are written. */
export type Figures = { currency: string; amount: AmountText; wording: Wording };

type Share = SalesContent["taxes"][number];

/** UNCL 5189: discount (BT-98, BT-140). */
const DISCOUNT = "95";

/**
 * The lines (BG-25). A net price is never negative (BR-27), so a line that is, is so by its quantity;
 * what the line's discount takes off quantity × price is its allowance, and makes the net exact.
 */
export function linesOf({ lineItems }: SalesContent, figures: Figures): object[] {
  const { currency, amount } = figures;
  return lineItems.map((line, index) => {
    const sign = line.unitPriceInCents < 0 ? -1 : 1;
    const taken = discountOf(line);
    const unit = unitOf(line);
    return {
      "cbc:ID": String(index + 1),
      ...(unit.note === undefined ? {} : { "cbc:Note": unit.note }),
      "cbc:InvoicedQuantity": String(line.quantity * sign),
      "cbc:InvoicedQuantity@unitCode": unit.code,
      "cbc:LineExtensionAmount": amount(line.totalPriceInCents),
      "cbc:LineExtensionAmount@currencyID": currency,
      ...(taken === 0 ? {} : { "cac:AllowanceCharge": [allowance(taken, figures)] }),
      "cac:Item": {
        "cbc:Name": line.description,
        "cac:ClassifiedTaxCategory": taxCategory(line),
      },
      "cac:Price": {
        "cbc:PriceAmount": amount(line.unitPriceInCents * sign),
        "cbc:PriceAmount@currencyID": currency,
      },
    };
  });
}

/**
 * The unit (BT-130). One that nobody knows, as lines from before it was checked may have, is "one", and
 * stands as it is in the line's note (BT-127).
 */
function unitOf({ unit = "", unitCode }: StoredLine): { code: string; note?: string } {
  const code = unitCode ?? (unit.trim() === "" ? ONE : unitCodeOf(unit));
  return code === undefined ? { code: ONE, note: unit } : { code };
}

/** What a line's discount comes to; below zero on a line that is below zero itself. */
function discountOf(line: StoredLine): number {
  return Number(grossOf(line) - BigInt(line.totalPriceInCents));
}

/** By tax rate, its share of the discount on the whole document. */
function discountShares({ taxes, lineItems }: SalesContent): { share: Share; taken: number }[] {
  return taxes
    .map((share) => {
      const lines = lineItems.filter((line) => taxKey(line) === taxKey(share));
      const net = lines.reduce((sum, line) => sum + line.totalPriceInCents, 0);
      return { share, taken: net - share.taxableAmountInCents };
    })
    .filter(({ taken }) => taken !== 0);
}

/** Allowances on the whole document (BG-20), or charges (BG-21) where a rate's net is below zero. */
export function allowancesOf(content: SalesContent, figures: Figures): object[] {
  return discountShares(content).map(({ share, taken }) => ({
    ...allowance(taken, figures),
    "cac:TaxCategory": taxCategory(share),
  }));
}

/** The VAT breakdown (BG-23). */
export function taxTotalOf(content: SalesContent, figures: Figures): object {
  const { currency, amount, wording } = figures;
  return {
    "cbc:TaxAmount": amount(content.taxAmountInCents),
    "cbc:TaxAmount@currencyID": currency,
    "cac:TaxSubtotal": content.taxes.map((share) => ({
      "cbc:TaxableAmount": amount(share.taxableAmountInCents),
      "cbc:TaxableAmount@currencyID": currency,
      "cbc:TaxAmount": amount(share.taxAmountInCents),
      "cbc:TaxAmount@currencyID": currency,
      "cac:TaxCategory": { ...taxCategory(share), ...exemption(share, content, wording) },
    })),
  };
}

/** The document's totals (BG-22): BR-CO-10 to BR-CO-16. */
export function totalsOf(content: SalesContent, paid: number, figures: Figures): object {
  const { currency, amount } = figures;
  const taken = discountShares(content).map((share) => share.taken);
  const sum = (amounts: number[]): number => amounts.reduce((a, b) => a + b, 0);
  const optional = {
    AllowanceTotalAmount: sum(taken.filter((cents) => cents > 0)),
    ChargeTotalAmount: -sum(taken.filter((cents) => cents < 0)),
    PrepaidAmount: paid,
  };
  const shown = {
    LineExtensionAmount: content.subtotalInCents,
    TaxExclusiveAmount: content.netAmountInCents,
    TaxInclusiveAmount: content.totalAmountInCents,
    ...Object.fromEntries(Object.entries(optional).filter(([, cents]) => cents !== 0)),
    PayableAmount: content.totalAmountInCents - paid,
  };
  return Object.fromEntries(
    Object.entries(shown).flatMap(([name, cents]) => [
      [`cbc:${name}`, amount(cents)],
      [`cbc:${name}@currencyID`, currency],
    ]),
  );
}

function taxCategory({
  taxCategory: category,
  taxRatePercent,
}: Pick<Share, "taxCategory" | "taxRatePercent">): object {
  return {
    "cbc:ID": VAT_CATEGORY[category],
    // BR-O-05: what is outside the scope of VAT has no rate, not even zero.
    ...(category === "outside_scope" ? {} : { "cbc:Percent": String(taxRatePercent) }),
    "cac:TaxScheme": { "cbc:ID": "VAT" },
  };
}

/** Why there is no VAT (BT-120, BT-121): BR-E-10, BR-AE-10, BR-O-10. */
function exemption(
  { taxCategory: category }: Share,
  { lineItems }: SalesContent,
  wording: Wording,
): object {
  if (category === "reverse_charge") return reason(wording.reverseChargeNote, "VATEX-EU-AE");
  if (category === "outside_scope") return reason(wording.outsideScopeNote, "VATEX-EU-O");
  if (category !== "exempt") return {};
  const reasons = lineItems
    .filter((line) => line.taxCategory === category)
    .flatMap((line) => line.taxExemptionReason ?? []);
  return { "cbc:TaxExemptionReason": [...new Set(reasons)].join("; ") };
}

function reason(text: string, code: string): object {
  return { "cbc:TaxExemptionReasonCode": code, "cbc:TaxExemptionReason": text };
}

/** What is taken off; a negative one, as a discount on a returned thing is, is a charge. */
function allowance(taken: number, { currency, amount, wording }: Figures): object {
  const isCharge = taken < 0;
  return {
    "cbc:ChargeIndicator": String(isCharge),
    ...(isCharge ? {} : { "cbc:AllowanceChargeReasonCode": DISCOUNT }),
    "cbc:AllowanceChargeReason": wording.discount,
    "cbc:Amount": amount(Math.abs(taken)),
    "cbc:Amount@currencyID": currency,
  };
}
