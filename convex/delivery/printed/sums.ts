import type { StoredLine } from "../../ontology/salesDocument";
import type { DocumentObject } from "../documentFiles";
import type { Formats } from "./formats";
import { filled, type Wording } from "./wording";

export type PrintedLine = {
  position: string;
  description: string;
  /** What stands small below the description. */
  remark: string | null;
  quantity: string;
  unitPrice: string;
  taxRate: string;
  net: string;
};

export type PrintedSum = { label: string; value: string; weight: "plain" | "total" };

export function linesOf(
  { customProperties }: DocumentObject,
  formats: Formats,
  wording: Wording,
): PrintedLine[] {
  return customProperties.lineItems.map((line, index) => ({
    position: formats.number(index + 1),
    description: line.description,
    remark: remarkOf(line, formats, wording),
    quantity: [formats.number(line.quantity), line.unit].filter(Boolean).join(" "),
    unitPrice: formats.amount(line.unitPriceInCents),
    taxRate: formats.percent(line.taxRatePercent),
    net: formats.amount(line.totalPriceInCents),
  }));
}

/** What a document comes to: net, tax by rate, total; of an invoice also what is still open. */
export function sumsOf(document: DocumentObject, formats: Formats, wording: Wording): PrintedSum[] {
  const content = document.customProperties;
  const { money } = formats;
  const plain = (label: string, cents: number): PrintedSum => ({
    label,
    value: money(cents),
    weight: "plain",
  });
  const taxes = content.taxes.map((share) => {
    const taxable = money(share.taxableAmountInCents);
    const label =
      share.taxCategory === "standard"
        ? filled(wording.taxOf, { rate: formats.percent(share.taxRatePercent), taxable })
        : filled(wording.taxFree, { category: wording[share.taxCategory], taxable });
    return plain(label, share.taxAmountInCents);
  });
  const discount = content.discountAmountInCents;
  const percent = content.discountPercent;
  const discountLabel =
    percent === undefined ? wording.discount : `${wording.discount} ${formats.percent(percent)}`;
  const parts = [
    ...(discount === 0
      ? []
      : [plain(wording.subtotal, content.subtotalInCents), plain(discountLabel, -discount)]),
    plain(wording.netTotal, content.netAmountInCents),
    ...taxes,
  ];
  return [...parts, ...openSumsOf(document, formats, wording)];
}

/** The total, and of an invoice what is still open of it. */
export function openSumsOf(
  document: DocumentObject,
  formats: Formats,
  wording: Wording,
): PrintedSum[] {
  const value = formats.money(document.customProperties.totalAmountInCents);
  const total: PrintedSum = { label: wording.total, value, weight: "total" };
  return [total, ...(document.type === "invoice" ? settlementOf(document, formats, wording) : [])];
}

function settlementOf(
  { customProperties: invoice }: DocumentObject & { type: "invoice" },
  { money }: Formats,
  wording: Wording,
): PrintedSum[] {
  const settled = [
    [wording.paid, invoice.amountPaidInCents] as const,
    [wording.credited, invoice.amountCreditedInCents] as const,
    [wording.writtenOff, invoice.amountWrittenOffInCents] as const,
  ].filter(([, cents]) => cents !== 0);
  if (settled.length === 0) return [];
  const due = invoice.amountDueInCents;
  const label = due < 0 ? wording.owed : wording.open;
  return [
    ...settled.map(([name, cents]) => ({
      label: name,
      value: money(-cents),
      weight: "plain" as const,
    })),
    { label, value: money(Math.abs(due)), weight: "total" },
  ];
}

/** Why tax is not charged, each reason once. */
export function noteOfTaxes({ customProperties }: DocumentObject, wording: Wording): string[] {
  const notes = customProperties.lineItems.flatMap((line) => {
    if (line.taxExemptionReason !== undefined) return [line.taxExemptionReason];
    if (line.taxCategory === "reverse_charge") return [wording.reverseChargeNote];
    return line.taxCategory === "outside_scope" ? [wording.outsideScopeNote] : [];
  });
  return [...new Set(notes)];
}

function remarkOf(line: StoredLine, formats: Formats, wording: Wording): string | null {
  const { discountPercent, discountInCents = 0 } = line;
  if (discountPercent !== undefined && discountPercent !== 0) {
    return filled(wording.lineDiscount, { discount: formats.percent(discountPercent) });
  }
  if (discountInCents === 0) return null;
  return filled(wording.lineDiscount, { discount: formats.money(discountInCents) });
}
