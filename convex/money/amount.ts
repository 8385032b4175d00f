/**
 * The largest amount of a document, in the currency's smallest unit. It leaves room: hundreds of such
 * documents still add up to an integer that JSON and JavaScript hold exactly.
 */
export const MAX_AMOUNT = 9_999_999_999_999;

/** An amount beyond what a document may hold; `line` is the index of the line it stands on. */
export class AmountTooLarge extends RangeError {
  constructor(readonly line: number | undefined) {
    super("The amount is too large.");
  }
}

/** @throws AmountTooLarge */
export function toAmount(exact: bigint, line?: number): number {
  if (exact > BigInt(MAX_AMOUNT) || exact < -BigInt(MAX_AMOUNT)) throw new AmountTooLarge(line);
  return Number(exact);
}

/** A sum of documents as a JSON number. @throws RangeError beyond the integers that are exact there */
export function toSum(exact: bigint): number {
  const sum = Number(exact);
  if (!Number.isSafeInteger(sum)) throw new RangeError(`The sum ${exact} is not exact in JSON.`);
  return sum;
}

/** Amount as a decimal text of the currency: 12345 of two decimals → "123.45". */
export function amountText(amountInCents: number, decimals: number): string {
  const digits = String(Math.abs(amountInCents)).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals);
  return `${amountInCents < 0 ? "-" : ""}${whole}${decimals === 0 ? "" : `.${fraction}`}`;
}
