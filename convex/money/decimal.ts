/** A decimal number held exactly: `units / 10 ** scale`. */
export type Decimal = { units: bigint; scale: number };

/**
 * What the caller wrote, exactly: JavaScript prints a number with the fewest digits that read back as
 * it, so 0.1 is one tenth here and not the binary fraction beside it.
 */
export function decimalOf(value: number): Decimal {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  if (whole === "") throw new RangeError(`${value} is not a finite number.`);
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${sign}${whole}${fraction}`);
  return scale >= 0
    ? { units: digits, scale }
    : { units: digits * 10n ** BigInt(-scale), scale: 0 };
}

/** How many decimals the number needs: 1.25 → 2. */
export function decimalsOf(value: number): number {
  return decimalOf(value).scale;
}

/** `numerator / denominator` to the nearest integer, half away from zero. */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const above = absolute(numerator);
  const below = absolute(denominator);
  const rounded = (2n * above + below) / (2n * below);
  return negative ? -rounded : rounded;
}

export function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function sumOf(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => a + b, 0n);
}
