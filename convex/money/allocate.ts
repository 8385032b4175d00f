import { absolute, sumOf } from "./decimal";

/**
 * Rounds the exact shares `numerators[i] / denominator` to integers that add up to `total`: each is cut
 * off toward zero, and what is left over goes, one unit each, to those that lost the most (largest
 * remainder). Equal remainders are told apart by `weights`, so that the order of the shares changes
 * nothing. A `total` that is further from the sum of the shares than rounding takes it is met by moving
 * the shares, each by its weight's part of the difference.
 */
export function roundToSum(
  numerators: readonly bigint[],
  denominator: bigint,
  total: bigint,
  weights: readonly bigint[],
): bigint[] {
  const [above, below] = sharesOf(numerators, denominator, total, weights);
  const shares = above.map((numerator) => numerator / below);
  const remainders = above.map((numerator) => numerator % below);
  const leftOver = total - sumOf(shares);
  const step = leftOver < 0n ? -1n : 1n;
  const lostMost = numerators
    .map((_, index) => index)
    .sort((a, b) => {
      const byRemainder = compare(at(remainders, b) * step, at(remainders, a) * step);
      return byRemainder || compare(absolute(at(weights, b)), absolute(at(weights, a)));
    });
  for (const index of lostMost.slice(0, Number(absolute(leftOver)))) {
    shares[index] = at(shares, index) + step;
  }
  return shares;
}

/** The exact shares, over a positive denominator, less than one unit from `total` together. */
function sharesOf(
  numerators: readonly bigint[],
  denominator: bigint,
  total: bigint,
  weights: readonly bigint[],
): [bigint[], bigint] {
  const sign = denominator < 0n ? -1n : 1n;
  const below = denominator * sign;
  const above = numerators.map((numerator) => numerator * sign);
  const missing = total * below - sumOf(above);
  if (absolute(missing) < below) return [above, below];
  const isWeighed = weights.some((weight) => weight !== 0n);
  const parts = above.map((_, index) => (isWeighed ? absolute(at(weights, index)) : 1n));
  const whole = sumOf(parts);
  const moved = above.map((numerator, index) => numerator * whole + missing * at(parts, index));
  return [moved, below * whole];
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function at(values: readonly bigint[], index: number): bigint {
  return values[index] ?? 0n;
}
