import type { Doc } from "../_generated/dataModel";
import type { Language } from "./letters";
import { type Formats, formatsOf } from "./printed/formats";
import { languageOf as languageOfLocale } from "./printed/wording";

type Organization = Pick<Doc<"organizations">, "locale" | "timeZone">;

/** The language of an organization's letters; English where its locale is none of them. */
export function languageOf({ locale }: Pick<Organization, "locale">): Language {
  return languageOfLocale(locale);
}

/**
 * Amounts and days as a letter's reader writes them: in the organization's own manner, `fr-FR` as
 * `de-AT`, unless the letter is in another language than the organization's letters are.
 */
export function letterFormats(
  organization: Organization,
  language: Language,
  currency: string,
): Formats {
  const isOwn = languageOf(organization) === language;
  const locale = isOwn ? organization.locale : language === "de" ? "de-DE" : "en-GB";
  return formatsOf(locale, organization.timeZone, currency);
}
