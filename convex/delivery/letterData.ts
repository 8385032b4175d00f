import type { Doc } from "../_generated/dataModel";
import { startOfToday } from "../kit/localTime";
import type { ReminderLevel } from "../kit/reminderSettings";
import type { ObjectDoc } from "../ontology/registry";
import type { DocumentFormat } from "../schemas/documentSchemas";
import type { Language, LetterData } from "./letters";
import type { Formats } from "./printed/formats";
import { languageOf, letterFormats } from "./wording";

/** What letters say of a document, formatted, as the document is when they are asked. */
type Organization = Doc<"organizations">;
type Invoice = ObjectDoc<"invoice">;
export type SalesDocument = ObjectDoc<"invoice" | "quote" | "credit_note">;

/** Statuses of an invoice that waits for its money. */
export const REMINDABLE = ["sent", "awaiting_employer_payment", "overdue"] as const;

export function isOpen({ status, customProperties }: Invoice): boolean {
  const isWaiting = (REMINDABLE as readonly string[]).includes(status);
  return isWaiting && customProperties.amountDueInCents > 0;
}

function isLate({ customProperties: { dueDate } }: Invoice, { timeZone }: Organization): boolean {
  return dueDate < startOfToday(Date.now(), timeZone);
}

/** A document's figures and dates. */
export function documentData(
  organization: Organization,
  document: SalesDocument,
  language: Language,
): LetterData {
  const common = commonData(organization, document, language);
  const { day } = formatsOf(organization, document, language);
  switch (document.type) {
    case "invoice":
      return { ...common, ...balanceData(organization, document, language) };
    case "quote": {
      const isAccepted = document.status === "accepted";
      const validUntil = day(document.customProperties.validUntil);
      return { ...common, validUntil, ...(isAccepted ? { accepted: "yes" } : {}) };
    }
    case "credit_note":
      return { ...common, originalNumber: document.customProperties.invoiceNumber };
  }
}

/** What is open, until when; of an invoice that is settled that it is, and nothing that asks for money. */
function balanceData(organization: Organization, invoice: Invoice, language: Language): LetterData {
  const { money, day } = formatsOf(organization, invoice, language);
  const { customProperties, status } = invoice;
  const { amountDueInCents, totalAmountInCents, amountPaidInCents } = customProperties;
  const { dueDate, paidDate, paymentUrl } = customProperties;
  const open = money(Math.max(0, amountDueInCents));
  if (status === "paid") {
    const isByMoney = amountPaidInCents > 0 && amountPaidInCents >= totalAmountInCents;
    if (!isByMoney) return { open, balance: "settled" };
    return { open, balance: "paid", ...(paidDate === undefined ? {} : { paidOn: day(paidDate) }) };
  }
  return {
    ...(paymentUrl === undefined ? {} : { url: paymentUrl }),
    dueDate: day(dueDate),
    open,
    ...(amountDueInCents < totalAmountInCents ? { balance: "part" } : {}),
  };
}

export function reminderData(
  organization: Organization,
  invoice: Invoice,
  language: Language,
  level: ReminderLevel,
): LetterData {
  const isDue = isLate(invoice, organization) ? "yes" : "no";
  return { ...documentData(organization, invoice, language), level: String(level), isDue };
}

/** Before the due date nothing is to be dunned for yet: the invoice itself goes along. */
export function reminderFormat(
  organization: Organization,
  invoice: Invoice,
  level: ReminderLevel,
): DocumentFormat {
  return isLate(invoice, organization) ? `reminder-${level}` : "pdf";
}

/** Without the payment link: nothing is left to pay. */
export function receiptData(organization: Organization, invoice: Invoice): LetterData {
  const language = languageOf(organization);
  const { money, day } = formatsOf(organization, invoice, language);
  const { amountPaidInCents, paidDate } = invoice.customProperties;
  return {
    ...commonData(organization, invoice, language),
    amount: money(amountPaidInCents),
    ...(paidDate === undefined ? {} : { paidOn: day(paidDate) }),
  };
}

function commonData(
  organization: Organization,
  document: SalesDocument,
  language: Language,
): LetterData {
  const { totalAmountInCents, billTo } = document.customProperties;
  return {
    organization: organization.sender?.name ?? organization.name,
    recipient: billTo.name,
    number: document.name,
    amount: formatsOf(organization, document, language).money(totalAmountInCents),
  };
}

function formatsOf(
  organization: Organization,
  { customProperties: { currency } }: SalesDocument,
  language: Language,
): Formats {
  return letterFormats(organization, language, currency);
}
