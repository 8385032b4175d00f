import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { currencyCodes, minorUnitDecimals } from "../../convex/kit/currencies";

const TABLE = fileURLToPath(new URL("../../../shared/data/iso4217.json", import.meta.url));

test.skipIf(!existsSync(TABLE))(`the currencies and their decimals are those of ${TABLE}`, () => {
  const { minorUnits } = JSON.parse(readFileSync(TABLE, "utf8")) as {
    minorUnits: Record<string, number | null>;
  };
  const withMinorUnit = Object.entries(minorUnits).filter(([, digits]) => digits !== null);
  const ours = currencyCodes.map((code) => [code, minorUnitDecimals(code)]);
  expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(withMinorUnit));
});

test.each(["XXX", "XAU", "XTS", "eur", "EURO", "", "toString", "DEM"])(
  "%j is no currency",
  (code) => {
    expect(minorUnitDecimals(code)).toBeUndefined();
  },
);

test.each([
  ["USD", 2],
  ["JPY", 0],
  ["KWD", 3],
  ["CLF", 4],
])("%s has %d decimals", (code, decimals) => {
  expect(minorUnitDecimals(code)).toBe(decimals);
});
