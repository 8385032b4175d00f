import { absolute, sumOf } from "./decimal";

/**
 * Rounds the exact shares `numerators[i] / denominator` to integers that add up to `total`: each is cut
 * off toward zero, and what is left over goes, one unit each, to those that lost the most (largest
 * remainder). `total` is the sum of the shares, rounded. Equal remainders are told apart by `weights`,
 * so that the order of the shares changes nothing.
 */
export function roundToSum(
  numerators: readonly bigint[],
  denominator: bigint,
  total: bigint,
  weights: readonly bigint[],
): bigint[] {
  const sign = denominator < 0n ? -1n : 1n;
  const below = denominator * sign;
  const shares = numerators.map((numerator) => (numerator * sign) / below);
  const remainders = numerators.map((numerator) => (numerator * sign) % below);
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

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function at(values: readonly bigint[], index: number): bigint {
  return values[index] ?? 0n;
}
