import type { TaxCategory } from "../../money/totals";

/** UNCL 5305: how EN 16931 names the categories of VAT (BT-95, BT-118, BT-151). */
export const VAT_CATEGORY = {
  standard: "S",
  zero: "Z",
  exempt: "E",
  reverse_charge: "AE",
  outside_scope: "O",
} as const satisfies Record<TaxCategory, string>;

/** UN/ECE recommendation 20 (BT-130), and what people write for it in English and German. */
const WORDS_OF_UNITS: Record<string, string> = {
  HUR: "h hr hrs hour hours std stunde stunden",
  DAY: "d day days tag tage",
  WEE: "week weeks woche wochen",
  MON: "month months monat monate",
  ANN: "year years jahr jahre",
  MIN: "min minute minutes minuten",
  H87: "pc pcs piece pieces stk stück",
  KGM: "kg",
  GRM: "g",
  TNE: "t",
  LTR: "l liter litre",
  KMT: "km",
  MTR: "m",
  CMT: "cm",
  MTK: "m² m2 qm",
  MTQ: "m³ m3",
  KWH: "kwh",
};
const UNITS = new Map(
  Object.entries(WORDS_OF_UNITS).flatMap(([code, words]) =>
    words.split(" ").map((word): [string, string] => [word, code]),
  ),
);
/** "One": what has no unit, or one that the list does not know. */
const ONE = "C62";

export function unitCode(unit: string | undefined): string {
  return UNITS.get((unit ?? "").trim().toLowerCase().replace(/\.$/, "")) ?? ONE;
}

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
