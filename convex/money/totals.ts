import { roundToSum } from "./allocate";
import { type Decimal, decimalOf, divideRounded, sumOf } from "./decimal";
import { toAmount } from "./amount";

/**
 * The arithmetic of everything that shows or sums money, over integers of the currency's smallest
 * unit; how many decimals the currency has matters to nobody here. As EN 16931 does it: a line's net
 * is rounded once; tax is computed per rate, on the sum of that rate's nets less its share of the
 * discount; what lines show of tax is that sum, divided among them.
 */
export const TAX_CATEGORIES = [
  "standard",
  "zero",
  "exempt",
  "reverse_charge",
  "outside_scope",
] as const;
export type TaxCategory = (typeof TAX_CATEGORIES)[number];

/** One of the two, or none. */
export type Discount = { discountPercent?: number; discountInCents?: number };

export type PricedLine = Discount & {
  quantity: number;
  unitPriceInCents: number;
  taxCategory: TaxCategory;
  taxRatePercent: number;
};

/** What is taxed at one rate, and the tax. */
export type TaxShare = {
  taxCategory: TaxCategory;
  taxRatePercent: number;
  taxableAmountInCents: number;
  taxAmountInCents: number;
};

export type Totals = {
  lines: { totalPriceInCents: number; taxAmountInCents: number }[];
  /** The lines' nets, added up. */
  subtotalInCents: number;
  /** The discount on the whole document. */
  discountAmountInCents: number;
  /** Subtotal less discount: what is taxed. */
  netAmountInCents: number;
  taxAmountInCents: number;
  /** Net plus tax. */
  totalAmountInCents: number;
  taxes: TaxShare[];
};

/** The tax of a rate's taxable amount. A credit note has its own, to close what rounding left open. */
export type TaxRule = (share: { key: string; taxable: bigint; rate: Decimal }) => bigint;

export const roundedTax: TaxRule = ({ taxable, rate }) =>
  divideRounded(taxable * rate.units, hundredTimes(rate));

type Group = { key: string; category: TaxCategory; percent: number; lines: number[]; net: bigint };

/** @throws AmountTooLarge */
export function totalsOf(
  lines: readonly PricedLine[],
  discount: Discount = {},
  taxRule: TaxRule = roundedTax,
): Totals {
  const nets = lines.map((line, index) => netOf(line, index));
  const groups = groupsOf(lines, nets);
  const subtotal = sumOf(nets);
  const discountAmount = discountOf(subtotal, discount);
  const discounts = discountShares(groups, subtotal, discountAmount);
  const lineTaxes = lines.map(() => 0n);
  const taxes = groups.map((group, index) => {
    const taxable = group.net - (discounts[index] ?? 0n);
    const rate = decimalOf(group.percent);
    const tax = taxRule({ key: group.key, taxable, rate });
    const shares = lineShares(group, nets, taxable, rate, tax);
    group.lines.forEach((line, position) => (lineTaxes[line] = shares[position] ?? 0n));
    return { group, taxable, tax };
  });
  const net = subtotal - discountAmount;
  const tax = sumOf(taxes.map((share) => share.tax));
  return {
    lines: lines.map((_, index) => ({
      totalPriceInCents: toAmount(nets[index] ?? 0n, index),
      taxAmountInCents: toAmount(lineTaxes[index] ?? 0n, index),
    })),
    subtotalInCents: toAmount(subtotal),
    discountAmountInCents: toAmount(discountAmount),
    netAmountInCents: toAmount(net),
    taxAmountInCents: toAmount(tax),
    totalAmountInCents: toAmount(net + tax),
    taxes: taxes.map((share) => ({
      taxCategory: share.group.category,
      taxRatePercent: share.group.percent,
      taxableAmountInCents: toAmount(share.taxable),
      taxAmountInCents: toAmount(share.tax),
    })),
  };
}

/** Names a rate of a category; lines of one key are taxed together. */
export function taxKey(share: { taxCategory: TaxCategory; taxRatePercent: number }): string {
  return `${share.taxCategory}/${String(share.taxRatePercent)}`;
}

/** Quantity × unit price, before the line's discount, rounded. */
export function grossOf({ quantity, unitPriceInCents }: PricedLine): bigint {
  const { units, scale } = decimalOf(quantity);
  return divideRounded(units * BigInt(unitPriceInCents), 10n ** BigInt(scale));
}

function netOf(line: PricedLine, index: number): bigint {
  const quantity = decimalOf(line.quantity);
  const percent = decimalOf(line.discountPercent ?? 0);
  const price = quantity.units * BigInt(line.unitPriceInCents);
  const kept = hundredTimes(percent) - percent.units;
  const net = divideRounded(price * kept, 10n ** BigInt(quantity.scale) * hundredTimes(percent));
  const reduced = net - BigInt(line.discountInCents ?? 0);
  toAmount(reduced, index);
  return reduced;
}

function discountOf(subtotal: bigint, { discountPercent, discountInCents }: Discount): bigint {
  if (discountPercent === undefined) return BigInt(discountInCents ?? 0);
  const percent = decimalOf(discountPercent);
  return divideRounded(subtotal * percent.units, hundredTimes(percent));
}

/** The discount over the rates, by their nets. */
function discountShares(groups: readonly Group[], subtotal: bigint, discount: bigint): bigint[] {
  if (discount === 0n) return groups.map(() => 0n);
  const weights = groups.map(({ net }) => net);
  return roundToSum(
    weights.map((net) => net * discount),
    subtotal,
    discount,
    weights,
  );
}

/** A rate's tax over its lines, by their part of what is taxed. */
function lineShares(
  group: Group,
  nets: readonly bigint[],
  taxable: bigint,
  rate: Decimal,
  tax: bigint,
): bigint[] {
  const weights = group.lines.map((line) => nets[line] ?? 0n);
  const [part, whole] = group.net === 0n ? [1n, 1n] : [taxable, group.net];
  return roundToSum(
    weights.map((net) => net * rate.units * part),
    hundredTimes(rate) * whole,
    tax,
    weights,
  );
}

/** Sorted by their key, so that nothing depends on the order of the lines. */
function groupsOf(lines: readonly PricedLine[], nets: readonly bigint[]): Group[] {
  const groups = new Map<string, Group>();
  lines.forEach((line, index) => {
    const key = taxKey(line);
    const { taxCategory: category, taxRatePercent: percent } = line;
    const group = groups.get(key) ?? { key, category, percent, lines: [], net: 0n };
    group.lines.push(index);
    group.net += nets[index] ?? 0n;
    groups.set(key, group);
  });
  return [...groups.values()].sort((a, b) =>
    a.category === b.category ? b.percent - a.percent : a.key < b.key ? -1 : 1,
  );
}

/** A percentage's denominator: `percent.units / hundredTimes(percent)` is its fraction of one. */
function hundredTimes(percent: Decimal): bigint {
  return 100n * 10n ** BigInt(percent.scale);
}
