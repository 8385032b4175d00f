import { minorUnitDecimals } from "../../kit/currencies";
import { amountText } from "../../money/amount";
import { languageOf } from "./wording";

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

/** Texts in one language with figures in another's manner would be read wrongly. */
function localeOfFigures(locale: string): string {
  const language = languageOf(locale);
  return locale.toLowerCase().startsWith(language) ? locale : language;
}

export function formatsOf(locale: string, timeZone: string, currency: string): Formats {
  const tag = localeOfFigures(locale);
  const decimals = minorUnitDecimals(currency) ?? 2;
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  // Latin digits: what is paid and typed off must be read by everyone.
  const latin = { numberingSystem: "latn" } as const;
  const money = new Intl.NumberFormat(tag, { ...latin, style: "currency", currency, ...digits });
  const amount = new Intl.NumberFormat(tag, { ...latin, ...digits });
  const number = new Intl.NumberFormat(tag, { ...latin, maximumFractionDigits: DECIMALS });
  const percent = new Intl.NumberFormat(tag, {
    ...latin,
    style: "percent",
    maximumFractionDigits: DECIMALS,
  });
  const day = new Intl.DateTimeFormat(tag, {
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
