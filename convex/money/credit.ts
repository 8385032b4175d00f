import { absolute } from "./decimal";
import {
  type Discount,
  type PricedLine,
  roundedTax,
  taxKey,
  type TaxRule,
  type TaxShare,
  type Totals,
  totalsOf,
} from "./totals";

/** A credit of more than is left of a tax rate, or of a rate that the invoice does not have. */
export class CreditTooLarge extends RangeError {
  constructor(
    readonly share: TaxShare,
    readonly left: TaxShare | undefined,
  ) {
    super("The credit is larger than what is left of the invoice.");
  }
}

/** Per rate: the invoice's share less what earlier credit notes took. Shares with nothing left are out. */
export function creditable(
  invoiced: readonly TaxShare[],
  credited: readonly (readonly TaxShare[])[],
): TaxShare[] {
  return invoiced
    .map((share) => {
      const taken = credited.flat().filter((other) => taxKey(other) === taxKey(share));
      return taken.reduce(less, share);
    })
    .filter((share) => share.taxableAmountInCents !== 0 || share.taxAmountInCents !== 0);
}

/**
 * The totals of a credit note. Tax is rounded as on an invoice, but never above what is left of the
 * rate; and the note that credits the rest of a rate's net credits the rest of its tax, so that an
 * invoice credited in any number of parts comes to zero exactly.
 * @throws CreditTooLarge, AmountTooLarge
 */
export function creditTotals(
  left: readonly TaxShare[],
  lines: readonly PricedLine[],
  discount: Discount = {},
): Totals {
  const leftOf = new Map(left.map((share) => [taxKey(share), share]));
  const taxRule: TaxRule = (share) => {
    const rest = leftOf.get(share.key);
    if (!rest) return roundedTax(share);
    const restTax = BigInt(rest.taxAmountInCents);
    if (share.taxable === BigInt(rest.taxableAmountInCents)) return restTax;
    const tax = roundedTax(share);
    return absolute(tax) > absolute(restTax) ? restTax : tax;
  };
  const totals = totalsOf(lines, discount, taxRule);
  for (const share of totals.taxes) {
    const rest = leftOf.get(taxKey(share));
    const taxable = share.taxableAmountInCents;
    const most = rest?.taxableAmountInCents ?? 0;
    const fits = Math.sign(taxable) === Math.sign(most) && Math.abs(taxable) <= Math.abs(most);
    if (taxable !== 0 && !fits) throw new CreditTooLarge(share, rest);
  }
  return totals;
}

function less(share: TaxShare, other: TaxShare): TaxShare {
  return {
    ...share,
    taxableAmountInCents: share.taxableAmountInCents - other.taxableAmountInCents,
    taxAmountInCents: share.taxAmountInCents - other.taxAmountInCents,
  };
}
