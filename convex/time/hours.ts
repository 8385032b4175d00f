import { divideRounded } from "../money/decimal";
import { grossOf } from "../money/totals";

const MILLION = 1_000_000;

/** What so much time costs, rounded once to whole cents. */
export function amountOf(minutes: number, rateInCents: number): number {
  return Number(divideRounded(BigInt(minutes) * BigInt(rateInCents), 60n));
}

/**
 * Minutes as hours of six decimals, which is what lines of invoices have: times the rate they come to the
 * exact amount. Thirds of an hour have no end as decimals; where the nearest one falls on the wrong side of
 * half a cent, its neighbour is taken. For rates up to 1,000,000 there is always one; null where there is none.
 */
export function hoursOf(minutes: number, rateInCents: number): number | null {
  const amount = BigInt(amountOf(minutes, rateInCents));
  const nearest = Math.round((minutes * MILLION) / 60);
  const candidates = [nearest, nearest + 1, nearest - 1].map((millionths) => millionths / MILLION);
  const exact = candidates.find((quantity) => {
    const line = { quantity, unitPriceInCents: rateInCents };
    return grossOf({ ...line, taxCategory: "zero", taxRatePercent: 0 }) === amount;
  });
  return exact ?? null;
}

/** Each entry rounded up to whole steps. */
export function roundedUp(minutes: number, step: number): number {
  return Math.ceil(minutes / step) * step;
}
