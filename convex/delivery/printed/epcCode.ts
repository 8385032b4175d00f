import { isSEPACountry } from "ibantools";
import { amountText } from "../../money/amount";

/** The largest amount of a SEPA credit transfer: 999,999,999.99 EUR. */
const MOST_IN_CENTS = 99_999_999_999;

export type Transfer = {
  name: string;
  iban: string;
  bic?: string | undefined;
  currency: string;
  amountInCents: number;
  reference: string;
};

/**
 * The text of a QR code from which a banking app fills in a transfer (EPC069-12, version 002,
 * "SCT"), or null where no such transfer can be made: another currency, an account outside of SEPA,
 * nothing to pay.
 */
export function epcText(transfer: Transfer): string | null {
  const { name, iban, bic = "", currency, amountInCents, reference } = transfer;
  if (currency !== "EUR" || amountInCents < 1 || amountInCents > MOST_IN_CENTS) return null;
  if (!isSEPACountry(iban.slice(0, 2))) return null;
  const amount = `EUR${amountText(amountInCents, 2)}`;
  const lines = [
    "BCD",
    "002",
    "1", // UTF-8
    "SCT",
    bic,
    cut(name, 70),
    iban,
    amount,
    "", // no purpose
    "", // no structured reference
    cut(reference, 140),
  ];
  return lines.join("\n");
}

/** One line of so many characters, not cut in the middle of one. */
function cut(text: string, length: number): string {
  return Array.from(text.replace(/\s+/gu, " ").trim()).slice(0, length).join("");
}
