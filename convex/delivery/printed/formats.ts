import { minorUnitDecimals } from "../../kit/currencies";
import { amountText } from "../../money/amount";

/** How a locale writes money, numbers and days. */
export type Formats = {
  /** With the currency: `1.234,50 €`. */
  money: (amountInCents: number) => string;
  /** Without it, for columns of a table. */
  amount: (amountInCents: number) => string;
  number: (value: number) => string;
  percent: (value: number) => string;
  /** The day that it is in the time zone, written out far enough to be understood anywhere. */
  day: (at: number) => string;
};

/** A quantity has at most six decimals, a percentage four. */
const DECIMALS = 6;

/**
 * The locale's own manner whatever language the words are in: an organization in France that writes
 * English has its amounts as `1 234,50 €`. Latin digits and Gregorian days: what is paid and typed
 * off must be read by everyone.
 * @param locale BCP 47; of the organization, or of the letter's language where that is another
 */
export function formatsOf(locale: string, timeZone: string, currency: string): Formats {
  const decimals = minorUnitDecimals(currency) ?? 2;
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  const latin = { numberingSystem: "latn" } as const;
  const money = new Intl.NumberFormat(locale, { ...latin, style: "currency", currency, ...digits });
  const amount = new Intl.NumberFormat(locale, { ...latin, ...digits });
  const number = new Intl.NumberFormat(locale, { ...latin, maximumFractionDigits: DECIMALS });
  const percent = new Intl.NumberFormat(locale, {
    ...latin,
    style: "percent",
    maximumFractionDigits: DECIMALS,
  });
  const day = new Intl.DateTimeFormat(locale, {
    ...latin,
    calendar: "gregory",
    dateStyle: "long",
    timeZone,
  });
  const valueOf = (cents: number): number => Number(amountText(cents, decimals));
  return {
    money: (cents) => money.format(valueOf(cents)),
    amount: (cents) => amount.format(valueOf(cents)),
    number: (value) => number.format(value),
    percent: (value) => percent.format(value / 100),
    day: (at) => day.format(at),
  };
}
