import type { PrintedFact } from "./fact";
import type { DocumentFormat } from "../../schemas/documentSchemas";
import { daysAfter } from "../../kit/localTime";
import type { DocumentContent, DocumentObject, DocumentSource } from "../documentFiles";
import { type Formats, formatsOf } from "./formats";
import { type Letterhead, letterheadOf, partyLines } from "./letterhead";
import { asksForMoney, paymentOf, type PrintedPayment } from "./payment";
import {
  linesOf,
  noteOfTaxes,
  openSumsOf,
  type PrintedLine,
  type PrintedSum,
  sumsOf,
} from "./sums";
import { filled, type Language, languageOf, type Wording, wordingOf } from "./wording";

/** How long a reminder gives to pay. */
const REMINDER_DAYS = 7;

export type Reminder = "reminder-1" | "reminder-2" | "reminder-3";

/** Everything that stands on a document, as text: whoever lays it out decides nothing of it. */
export type PrintedDocument = {
  language: Language;
  wording: Wording;
  title: string;
  number: string;
  /** Across the page: what it is not. */
  mark: string | null;
  /** Across the page as well: that it is a test. */
  test: string | null;
  /** What the file says of itself; of the document and not of the clock. */
  changedAt: number;
  letterhead: Letterhead;
  recipient: string[];
  facts: PrintedFact[];
  introduction: string[];
  lines: PrintedLine[];
  sums: PrintedSum[];
  /** Why tax is not charged. */
  taxNotes: string[];
  payment: PrintedPayment | null;
  notes: { heading: string; text: string } | null;
  /** Below everything else: what the organization ends its letters with. */
  footer: string | null;
};

/** What an invoice, a credit note, a quote or a reminder says. */
export function printedDocument(
  source: DocumentContent & Pick<DocumentSource, "at">,
  format: DocumentFormat,
): PrintedDocument {
  const { document, organization } = source;
  const { locale, timeZone } = organization;
  const language = languageOf(locale);
  const wording = wordingOf(language);
  const formats = formatsOf(locale, timeZone, document.customProperties.currency);
  const reminder = reminderOf(format);
  const at = source.at ?? document.updatedAt;
  const number = document.name;
  const deadline = reminder && daysAfter(at, REMINDER_DAYS, timeZone);
  return {
    language,
    wording,
    title: wording[reminder ?? document.type],
    number,
    mark: markOf(document, wording),
    test: organization.mode === "test" ? wording.test : null,
    changedAt: source.at ?? document.updatedAt,
    letterhead: letterheadOf(organization, language, wording, asksForMoney(document)),
    recipient: partyLines(document.customProperties.billTo, language),
    facts: factsOf(document, formats, wording, reminder && at),
    introduction:
      reminder && deadline !== null
        ? reminderText(document, formats, wording, reminder, deadline)
        : [],
    lines: reminder ? [] : linesOf(document, formats, wording),
    sums: reminder ? openSumsOf(document, formats, wording) : sumsOf(document, formats, wording),
    taxNotes: reminder ? [] : noteOfTaxes(document, wording),
    payment: paymentOf(document, organization, formats, wording, deadline),
    notes: reminder ? null : notesOf(document, wording),
    // What an invoice thanks for, a reminder of it does not.
    footer: reminder ? null : (organization.invoiceFooter ?? null),
  };
}

function reminderOf(format: DocumentFormat): Reminder | null {
  return format === "reminder-1" || format === "reminder-2" || format === "reminder-3"
    ? format
    : null;
}

function markOf({ status }: DocumentObject, wording: Wording): string | null {
  if (status === "draft") return wording.draft;
  return status === "cancelled" ? wording.cancelled : null;
}

function factsOf(
  document: DocumentObject,
  formats: Formats,
  wording: Wording,
  remindedAt: number | null,
): PrintedFact[] {
  const { taxId } = document.customProperties.billTo;
  return [
    ...(remindedAt === null ? [] : [{ label: wording.date, value: formats.day(remindedAt) }]),
    ...ownFacts(document, formats, wording),
    ...(taxId === undefined ? [] : [{ label: wording.customerVatId, value: taxId }]),
  ];
}

function ownFacts(document: DocumentObject, formats: Formats, wording: Wording): PrintedFact[] {
  const { name } = document;
  switch (document.type) {
    case "invoice": {
      const { issueDate, dueDate } = document.customProperties;
      return [
        { label: wording.invoiceNumber, value: name },
        { label: wording.invoiceDate, value: formats.day(issueDate) },
        { label: wording.dueDate, value: formats.day(dueDate) },
      ];
    }
    case "credit_note": {
      const { issueDate, invoiceNumber } = document.customProperties;
      return [
        { label: wording.creditNoteNumber, value: name },
        { label: wording.date, value: formats.day(issueDate) },
        { label: wording.creditedInvoice, value: invoiceNumber },
      ];
    }
    case "quote": {
      const { issueDate, validUntil } = document.customProperties;
      return [
        { label: wording.quoteNumber, value: name },
        { label: wording.date, value: formats.day(issueDate) },
        { label: wording.validUntil, value: formats.day(validUntil) },
      ];
    }
  }
}

function reminderText(
  document: DocumentObject,
  formats: Formats,
  wording: Wording,
  reminder: Reminder,
  deadline: number,
): string[] {
  if (document.type !== "invoice") return [];
  const { issueDate, dueDate } = document.customProperties;
  const text = filled(wording[`${reminder}-text`], {
    number: document.name,
    issued: formats.day(issueDate),
    due: formats.day(dueDate),
    until: formats.day(deadline),
  });
  return [wording["reminder-greeting"], text, wording["reminder-thanks"]];
}

function notesOf(document: DocumentObject, wording: Wording): PrintedDocument["notes"] {
  const { customProperties } = document;
  const text = document.type === "credit_note" ? document.customProperties.reason : undefined;
  if (text !== undefined) return { heading: wording.reason, text };
  const notes = "notes" in customProperties ? customProperties.notes : undefined;
  return notes === undefined || notes.trim() === ""
    ? null
    : { heading: wording.notes, text: notes };
}
