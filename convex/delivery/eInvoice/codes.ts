import type { TaxCategory } from "../../money/totals";

/** UNCL 5305: how EN 16931 names the categories of VAT (BT-95, BT-118, BT-151). */
export const VAT_CATEGORY = {
  standard: "S",
  zero: "Z",
  exempt: "E",
  reverse_charge: "AE",
  outside_scope: "O",
} as const satisfies Record<TaxCategory, string>;

/** Locales whose names of countries are understood. */
const LOCALES = ["en", "de", "fr", "es", "it", "nl", "pl"];
/** Codes that ISO 3166-1 has withdrawn or reserved, and that have a name all the same. */
const NOT_COUNTRIES = new Set(
  "AC AN BU CP CQ CS DD DG EA EU EZ FX IC NH NT QO QU RH SU TA TP UK UN VD XA XB XK YD YU ZR ZZ".split(
    " ",
  ),
);
let codesByName: Map<string, string> | undefined;

/**
 * ISO 3166-1 alpha-2 (BT-40, BT-55) of a country as people write it: the code, or the name in one of
 * several languages. Undefined where it is neither.
 */
export function countryCode(country: string | undefined): string | undefined {
  const text = (country ?? "").trim();
  codesByName ??= namesOfCountries();
  return codesByName.get(text.toLowerCase());
}

function namesOfCountries(): Map<string, string> {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  const names = new Map<string, string>();
  for (const locale of LOCALES) {
    const display = new Intl.DisplayNames(locale, { type: "region", fallback: "none" });
    for (const code of codes) {
      const name = NOT_COUNTRIES.has(code) ? undefined : display.of(code);
      if (name === undefined) continue;
      names.set(code.toLowerCase(), code);
      if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), code);
    }
  }
  return names;
}
