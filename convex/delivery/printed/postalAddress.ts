import { formatAddress } from "localized-address-format";
import type { StoredParty } from "../../ontology/salesDocument";
import { countryCode } from "../eInvoice/codes";
import type { Language } from "./wording";

type Address = NonNullable<StoredParty["address"]>;

const EAST_ASIAN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** A prefix that an address's format sets before a postal code which has it already: `SE-SE-113 30`. */
const PREFIX_TWICE = /(?<![A-Z])([A-Z]{1,3}-)(?=\1)|〒(?=〒)/u;

/** The parts of an address stand here while it is formatted: a part without place in a format shows. */
const PLACES = {
  street: "\ue000",
  city: "\ue001",
  state: "\ue002",
  postalCode: "\ue003",
} as const;
type Part = keyof typeof PLACES;
const PARTS = ["street", "city", "state", "postalCode"] as const;

/**
 * The lines of an address in the order of its country (Google's libaddressinput, which follows the
 * postal administrations): `Springfield, IL 62701`, a British post code on a line of its own. What a
 * country's format has no place for, such as a British county, follows on a line of its own; the
 * country stands last, by its name in the letter's language.
 */
export function linesOfAddress(address: Address, language: Language): string[] {
  const code = countryCode(address.country);
  const given = PARTS.filter((part) => (address[part] ?? "").trim() !== "");
  const pattern = patternOf(given, code, isEastAsian(address));
  const forgotten = given.filter((part) => !pattern.join("").includes(PLACES[part]));
  const lines = [...pattern, ...forgotten.map((part) => PLACES[part])].map((line) =>
    PARTS.reduce(
      (text, part) => text.replace(PLACES[part], () => (address[part] ?? "").trim()),
      line,
    ).replace(PREFIX_TWICE, ""),
  );
  return [...lines, countryName(address.country, language)].filter(
    (line): line is string => line !== undefined && line.trim() !== "",
  );
}

function patternOf(given: readonly Part[], code: string | undefined, isLocal: boolean): string[] {
  const place = (part: Part): string => (given.includes(part) ? PLACES[part] : "");
  if (code === undefined) {
    const town = [place("postalCode"), place("city")].filter(Boolean).join(" ");
    return [place("street"), town, place("state")];
  }
  return formatAddress(
    {
      postalCountry: code,
      addressLines: [place("street")].filter(Boolean),
      locality: place("city"),
      administrativeArea: place("state"),
      postalCode: place("postalCode"),
    },
    isLocal ? "local" : "latin",
  );
}

function isEastAsian({ street, city, state }: Address): boolean {
  return EAST_ASIAN.test([street, city, state].join(""));
}

/** A country by its name in the letter's language; as it is written where nobody knows it. */
function countryName(country: string | undefined, language: Language): string | undefined {
  const code = countryCode(country);
  return code === undefined
    ? country
    : new Intl.DisplayNames(language, { type: "region" }).of(code);
}
