import { type Totals, totalsOf } from "../money/totals";
import type { ObjectDoc } from "./registry";
import type { SalesContent } from "./salesDocument";

const FIGURES = [
  "subtotalInCents",
  "discountAmountInCents",
  "netAmountInCents",
  "taxAmountInCents",
  "totalAmountInCents",
] as const;

/** Figures of a document that do not follow from its lines. (A credit note's need its invoice.) */
export function contentDifferences(object: ObjectDoc): string[] {
  switch (object.type) {
    case "invoice":
    case "quote":
    case "recurring_invoice":
      return figureDifferences(
        object.customProperties,
        totalsOf(object.customProperties.lineItems, object.customProperties),
      );
    default:
      return [];
  }
}

export function figureDifferences(stored: SalesContent, totals: Totals): string[] {
  const wrong = FIGURES.filter((figure) => stored[figure] !== totals[figure]).map((figure) =>
    differs(figure, totals[figure], stored[figure]),
  );
  const wrongLines = totals.lines.flatMap((line, index) => {
    const found = stored.lineItems[index];
    const isRight =
      found?.totalPriceInCents === line.totalPriceInCents &&
      found.taxAmountInCents === line.taxAmountInCents;
    return isRight ? [] : [differs(`line ${index}`, JSON.stringify(line), JSON.stringify(found))];
  });
  const taxes = [
    JSON.stringify(sorted(totals.taxes)),
    JSON.stringify(sorted(stored.taxes)),
  ] as const;
  return [...wrong, ...wrongLines, ...(taxes[0] === taxes[1] ? [] : [differs("taxes", ...taxes)])];
}

export function differs(what: string, expected: unknown, found: unknown): string {
  return `${what} should be ${String(expected)}, is ${String(found)}`;
}

/** In one order of fields, as a database may give them in another. */
function sorted(taxes: Totals["taxes"]): unknown[] {
  return taxes.map((share) => [
    share.taxCategory,
    share.taxRatePercent,
    share.taxableAmountInCents,
    share.taxAmountInCents,
  ]);
}
