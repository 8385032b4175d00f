import { friendlyFormatIBAN } from "ibantools";
import type { Seller } from "../../schemas/documentSchemas";
import type { DocumentObject } from "../documentFiles";
import { epcText } from "./epcCode";
import type { Formats } from "./formats";
import type { PrintedFact } from "./fact";
import { filled, type Wording } from "./wording";

/** How to pay: by transfer, by the QR code of a banking app, by a link. */
export type PrintedPayment = {
  text: string;
  transfer: PrintedFact[];
  /** The content of the QR code. */
  code: string | null;
  url: string | null;
};

/** @param deadline in place of the due date, on a reminder */
export function paymentOf(
  document: DocumentObject,
  organization: Seller,
  formats: Formats,
  wording: Wording,
  deadline: number | null,
): PrintedPayment | null {
  const nothing = { transfer: [], code: null, url: null };
  if (document.type === "quote") {
    const date = formats.day(document.customProperties.validUntil);
    return { ...nothing, text: filled(wording.accept, { date }) };
  }
  if (document.type === "credit_note" || document.status === "cancelled") return null;
  const invoice = document.customProperties;
  const { amountDueInCents, currency } = invoice;
  if (amountDueInCents <= 0) return { ...nothing, text: wording.settled };
  const { iban, bic, bankName, accountHolder } = organization.bankDetails ?? {};
  const name = accountHolder ?? organization.legalName ?? organization.name;
  const reference = document.name;
  const amount = formats.money(amountDueInCents);
  const isOnReceipt = deadline === null && invoice.paymentTerms === "due_on_receipt";
  const transfer = { name, bic, currency, amountInCents: amountDueInCents, reference };
  return {
    text: isOnReceipt
      ? filled(wording.payNow, { amount })
      : filled(wording.payBy, { amount, date: formats.day(deadline ?? invoice.dueDate) }),
    transfer:
      iban === undefined
        ? []
        : [
            { label: wording.account, value: name },
            { label: wording.iban, value: printedIban(iban) },
            ...(bic === undefined ? [] : [{ label: wording.bic, value: bic }]),
            ...(bankName === undefined ? [] : [{ label: wording.bank, value: bankName }]),
            { label: wording.reference, value: reference },
          ],
    // Nobody is to pay what may still change.
    code: iban === undefined || document.status === "draft" ? null : epcText({ ...transfer, iban }),
    url: paymentUrlOf(invoice),
  };
}

/** Whether a document may lead to a payment: a quote may, what is settled, cancelled or a credit does not. */
export function asksForMoney(document: DocumentObject): boolean {
  if (document.type === "credit_note") return false;
  if (document.status === "cancelled") return false;
  return document.type === "quote" || document.customProperties.amountDueInCents > 0;
}

/** An IBAN in groups of four (ISO 13616). */
export function printedIban(iban: string): string {
  return friendlyFormatIBAN(iban) ?? iban;
}

/** The link under which an invoice is paid, once a payment provider has given one. */
function paymentUrlOf({ paymentUrl }: { paymentUrl?: string }): string | null {
  return paymentUrl !== undefined && /^https?:\/\//.test(paymentUrl) ? paymentUrl : null;
}
