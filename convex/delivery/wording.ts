import type { Doc } from "../_generated/dataModel";
import { amountText } from "../money/amount";
import { minorUnitDecimals } from "../kit/currencies";
import type { Language } from "./letters";

/** Amounts and days as a letter's reader writes them. */
type Organization = Pick<Doc<"organizations">, "locale" | "timeZone">;

/** German where the organization writes German, else English. */
export function languageOf({ locale }: Pick<Organization, "locale">): Language {
  return new Intl.Locale(locale).language === "de" ? "de" : "en";
}

/** The organization's own locale where it is of the letter's language: `de-AT`, `en-US`. */
export function localeOf(organization: Organization, language: Language): string {
  if (languageOf(organization) === language && organization.locale.startsWith(language)) {
    return organization.locale;
  }
  return language === "de" ? "de-DE" : "en-GB";
}

export function moneyText(amountInCents: number, currency: string, locale: string): string {
  const amount = Number(amountText(amountInCents, minorUnitDecimals(currency) ?? 2));
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(amount);
}

export function dayText(at: number, locale: string, timeZone: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone }).format(at);
}
