import type { Invoice } from "@e-invoice-eu/core";
import type { Seller } from "../../schemas/documentSchemas";
import { minorUnitDecimals } from "../../kit/currencies";
import { dayOf } from "../../kit/localTime";
import { amountText } from "../../money/amount";
import { formatsOf } from "../printed/formats";
import { filled, languageOf, type Wording, wordingOf } from "../printed/wording";
import { allowancesOf, type Figures, linesOf, taxTotalOf, totalsOf } from "./amounts";
import { buyerOf, sellerOf } from "./parties";
import type { TaxDocument, TaxSource } from "./requirements";

/** UNCL 1001 (BT-3). */
const INVOICE = "380";
const CREDIT_NOTE = "381";
/** UNCL 4461 (BT-81). */
const CREDIT_TRANSFER = "30";
const SEPA_CREDIT_TRANSFER = "58";

/**
 * The EN 16931 model of an invoice or credit note that lacks nothing of `missingForEInvoice`, in the
 * form that @e-invoice-eu/core makes UBL and CII from.
 */
export function eInvoiceOf({ document, organization, creditedAt }: TaxSource): Invoice {
  const content = document.customProperties;
  const { currency, issueDate, billTo } = content;
  const { locale, timeZone } = organization;
  const wording = wordingOf(languageOf(locale));
  const decimals = minorUnitDecimals(currency) ?? 2;
  const figures: Figures = {
    currency,
    wording,
    amount: (cents) => amountText(cents, decimals),
  };
  const isOutside = isOutsideScope(document);
  const allowances = allowancesOf(content, figures);
  const paid = document.type === "invoice" ? document.customProperties.amountPaidInCents : 0;
  const model = {
    "cbc:ID": document.name,
    "cbc:IssueDate": dayOf(issueDate, timeZone),
    ...(document.type === "invoice"
      ? { "cbc:DueDate": dayOf(document.customProperties.dueDate, timeZone) }
      : {}),
    "cbc:InvoiceTypeCode": document.type === "invoice" ? INVOICE : CREDIT_NOTE,
    ...notesOf(document, organization, wording),
    "cbc:DocumentCurrencyCode": currency,
    ...(document.type === "credit_note"
      ? creditedInvoice(document.customProperties.invoiceNumber, creditedAt, timeZone)
      : {}),
    "cac:AccountingSupplierParty": { "cac:Party": sellerOf(organization, isOutside) },
    "cac:AccountingCustomerParty": { "cac:Party": buyerOf(billTo, isOutside) },
    ...paymentMeansOf(document, organization),
    "cac:PaymentTerms": { "cbc:Note": termsOf(document, organization, wording) },
    ...(allowances.length === 0 ? {} : { "cac:AllowanceCharge": allowances }),
    "cac:TaxTotal": [taxTotalOf(content, figures)],
    "cac:LegalMonetaryTotal": totalsOf(content, paid, figures),
    "cac:InvoiceLine": linesOf(content, figures),
  };
  // The library's types spell out every code list; that the model fits them, its own schema checks.
  return { "ubl:Invoice": withoutControls(model) } as unknown as Invoice;
}

/** Whether it is about what no VAT is on at all, and so names no VAT id (BR-O-02). */
export function isOutsideScope({ customProperties: { lineItems } }: TaxDocument): boolean {
  return lineItems.some((line) => line.taxCategory === "outside_scope");
}

/** BT-22: what the seller notes; that it is a test or a draft, XML has no other place to say. */
function notesOf(
  document: TaxDocument,
  { mode }: Seller,
  wording: Wording,
): { "cbc:Note"?: string[] } {
  const { status } = document;
  const text =
    document.type === "invoice"
      ? document.customProperties.notes
      : document.customProperties.reason;
  const notes = [
    ...(mode === "test" ? [wording.testNote] : []),
    ...(status === "draft" ? [wording.draft] : []),
    ...(status === "cancelled" ? [wording.cancelled] : []),
    ...(text === undefined || text.trim() === "" ? [] : [text]),
  ];
  return notes.length === 0 ? {} : { "cbc:Note": notes };
}

/** The preceding invoice (BG-3): its number (BT-25) and the day of its issue (BT-26). */
function creditedInvoice(number: string, issuedAt: number | null, timeZone: string): object {
  const reference = {
    "cbc:ID": number,
    ...(issuedAt === null ? {} : { "cbc:IssueDate": dayOf(issuedAt, timeZone) }),
  };
  return { "cac:BillingReference": [{ "cac:InvoiceDocumentReference": reference }] };
}

function paymentMeansOf(document: TaxDocument, organization: Seller): object {
  const { iban, bic, accountHolder } = organization.bankDetails ?? {};
  if (document.type === "credit_note" || iban === undefined) return {};
  const isSepa = document.customProperties.currency === "EUR";
  const account = {
    "cbc:ID": iban,
    ...(accountHolder === undefined ? {} : { "cbc:Name": accountHolder }),
    ...(bic === undefined ? {} : { "cac:FinancialInstitutionBranch": { "cbc:ID": bic } }),
  };
  return {
    "cac:PaymentMeans": [
      {
        "cbc:PaymentMeansCode": isSepa ? SEPA_CREDIT_TRANSFER : CREDIT_TRANSFER,
        "cbc:PaymentID": document.name,
        "cac:PayeeFinancialAccount": account,
      },
    ],
  };
}

/** BT-20; of a credit note the invoice that it is set against, as it has no due date (BR-CO-25). */
function termsOf(document: TaxDocument, { locale, timeZone }: Seller, wording: Wording): string {
  if (document.type === "credit_note") {
    return `${wording.creditedInvoice} ${document.customProperties.invoiceNumber}`;
  }
  const { currency, totalAmountInCents, amountPaidInCents, dueDate } = document.customProperties;
  const { money, day } = formatsOf(locale, timeZone, currency);
  const amount = money(totalAmountInCents - amountPaidInCents);
  return filled(wording.payBy, { amount, date: day(dueDate) });
}

/** Without the control characters that XML 1.0 has no way to write. */
function withoutControls(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, "");
  if (Array.isArray(value)) return value.map(withoutControls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, withoutControls(child)]),
  );
}
