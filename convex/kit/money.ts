import * as z from "zod";
import { MAX_AMOUNT } from "../money/amount";
import { decimalsOf } from "../money/decimal";
import { minorUnitDecimals } from "./currencies";
import { once } from "./once";
import { MAX_HOURLY_RATE } from "../money/hourlyRate";

/** What requests and answers say of money; the arithmetic is in `money/`. */

export const currencyCode = once(() =>
  z
    .string()
    .refine(
      (code) => minorUnitDecimals(code) !== undefined,
      "must be an ISO 4217 code of a currency that has a minor unit",
    )
    .meta({ example: "EUR" }),
);

/** An integer in the currency's smallest unit, whatever the currency. */
export const amountInCents = once(() =>
  z
    .number()
    .int("must be an integer in the currency's smallest unit")
    .min(-MAX_AMOUNT, `must be at least -${MAX_AMOUNT}`)
    .max(MAX_AMOUNT, `must be at most ${MAX_AMOUNT}`)
    .transform(withoutNegativeZero),
);

/** An amount that is not below zero. */
export const amountFromZero = once(() =>
  amountInCents().refine((amount) => amount >= 0, "must not be negative"),
);

/** Of an hour's work, in the currency's smallest unit. */
export const hourlyRate = once(() =>
  z
    .number()
    .int("must be an integer in the currency's smallest unit")
    .min(0, "must not be negative")
    .max(MAX_HOURLY_RATE, `must be at most ${MAX_HOURLY_RATE}`)
    .transform(withoutNegativeZero),
);

/** A decimal number as people write it, such as a quantity: exact to so many decimals. */
export function decimal(minimum: number, maximum: number, decimals: number): DecimalSchema {
  return z
    .number()
    .min(minimum, `must be at least ${minimum}`)
    .max(maximum, `must be at most ${maximum}`)
    .refine((value) => decimalsOf(value) <= decimals, `must have at most ${decimals} decimals`)
    .transform(withoutNegativeZero);
}
type DecimalSchema = z.ZodPipe<z.ZodNumber, z.ZodTransform<number, number>>;

export const percent = once(() => decimal(0, 100, 4));

/** Two zeros would be two values in an index and in a comparison. */
function withoutNegativeZero(value: number): number {
  return value + 0;
}
