/** The words of printed documents. Whoever adds a language adds a column here and nothing elsewhere. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const english = {
  invoice: "Invoice",
  credit_note: "Credit note",
  quote: "Quote",
  "reminder-1": "Payment reminder",
  "reminder-2": "Second reminder",
  "reminder-3": "Final notice",
  test: "TEST",
  testNote: "TEST: this document was made to try something out. Nothing is owed.",
  draft: "DRAFT",
  cancelled: "CANCELLED",

  invoiceNumber: "Invoice number",
  creditNoteNumber: "Credit note number",
  quoteNumber: "Quote number",
  date: "Date",
  invoiceDate: "Invoice date",
  dueDate: "Due date",
  validUntil: "Valid until",
  creditedInvoice: "For invoice",
  customerVatId: "Your VAT ID",
  page: "Page {page} of {pages}",

  position: "No.",
  description: "Description",
  quantity: "Quantity",
  unitPrice: "Unit price",
  taxRate: "VAT",
  net: "Net amount",
  lineDiscount: "less {discount} discount",

  subtotal: "Subtotal",
  discount: "Discount",
  netTotal: "Net total",
  taxOf: "VAT {rate} on {taxable}",
  taxFree: "{category} on {taxable}",
  total: "Total",
  paid: "Paid",
  credited: "Credited",
  writtenOff: "Waived",
  open: "Amount due",
  owed: "In your favour",
  standard: "VAT",
  zero: "VAT 0 %",
  exempt: "Exempt from VAT",
  reverse_charge: "Reverse charge",
  outside_scope: "Outside the scope of VAT",
  reverseChargeNote: "Reverse charge: the recipient owes the VAT.",
  outsideScopeNote: "Not subject to VAT.",

  payBy: "Please pay {amount} by {date}.",
  payNow: "Please pay {amount} on receipt.",
  settled: "This invoice is settled. Thank you.",
  reference: "Reference",
  payOnline: "Pay online",
  scanToPay: "Scan to pay",
  bankAccount: "Account",
  account: "Account holder",
  notes: "Notes",
  reason: "Reason",
  accept: "This quote is valid until {date}.",
  "reminder-greeting": "Dear Sir or Madam,",
  "reminder-1-text":
    "Our invoice {number} of {issued} was due on {due}, and we have not seen a payment yet. It may simply have been overlooked. Please pay the amount due by {until}.",
  "reminder-2-text":
    "We reminded you of our invoice {number} of {issued}, which was due on {due}, and it is still open. Please pay the amount due by {until}.",
  "reminder-3-text":
    "In spite of our reminders our invoice {number} of {issued}, which was due on {due}, is not paid. This is our last notice: if the amount due has not arrived by {until}, we will take legal steps without further warning.",
  "reminder-thanks": "If you have paid in the meantime, please disregard this letter.",

  vatId: "VAT ID",
  taxNumber: "Tax number",
  registration: "Registered",
  bank: "Bank",
  iban: "IBAN",
  bic: "BIC",
};
export type Wording = typeof english;

const german: Wording = {
  invoice: "Rechnung",
  credit_note: "Rechnungskorrektur",
  quote: "Angebot",
  "reminder-1": "Zahlungserinnerung",
  "reminder-2": "Zweite Mahnung",
  "reminder-3": "Letzte Mahnung",
  test: "TEST",
  testNote: "TEST: Dieses Dokument dient der Erprobung. Es wird nichts geschuldet.",
  draft: "ENTWURF",
  cancelled: "STORNIERT",

  invoiceNumber: "Rechnungsnummer",
  creditNoteNumber: "Korrekturnummer",
  quoteNumber: "Angebotsnummer",
  date: "Datum",
  invoiceDate: "Rechnungsdatum",
  dueDate: "Fällig am",
  validUntil: "Gültig bis",
  creditedInvoice: "Zur Rechnung",
  customerVatId: "Ihre USt-IdNr.",
  page: "Seite {page} von {pages}",

  position: "Pos.",
  description: "Beschreibung",
  quantity: "Menge",
  unitPrice: "Einzelpreis",
  taxRate: "USt.",
  net: "Nettobetrag",
  lineDiscount: "abzüglich {discount} Rabatt",

  subtotal: "Zwischensumme",
  discount: "Rabatt",
  netTotal: "Nettosumme",
  taxOf: "USt. {rate} auf {taxable}",
  taxFree: "{category} auf {taxable}",
  total: "Gesamtbetrag",
  paid: "Bezahlt",
  credited: "Gutgeschrieben",
  writtenOff: "Erlassen",
  open: "Offener Betrag",
  owed: "Guthaben",
  standard: "USt.",
  zero: "USt. 0 %",
  exempt: "Steuerfrei",
  reverse_charge: "Reverse Charge",
  outside_scope: "Nicht steuerbar",
  reverseChargeNote: "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge).",
  outsideScopeNote: "Nicht im Inland steuerbare Leistung.",

  payBy: "Bitte zahlen Sie {amount} bis zum {date}.",
  payNow: "Bitte zahlen Sie {amount} sofort nach Erhalt.",
  settled: "Diese Rechnung ist beglichen. Vielen Dank.",
  reference: "Verwendungszweck",
  payOnline: "Online bezahlen",
  scanToPay: "Scannen und bezahlen",
  bankAccount: "Konto",
  account: "Kontoinhaber",
  notes: "Anmerkungen",
  reason: "Grund",
  accept: "Dieses Angebot gilt bis zum {date}.",
  "reminder-greeting": "Guten Tag,",
  "reminder-1-text":
    "unsere Rechnung {number} vom {issued} war am {due} fällig, und wir konnten noch keinen Zahlungseingang feststellen. Sicher haben Sie sie nur übersehen. Bitte zahlen Sie den offenen Betrag bis zum {until}.",
  "reminder-2-text":
    "an unsere Rechnung {number} vom {issued}, fällig am {due}, haben wir Sie bereits erinnert; sie ist weiterhin offen. Bitte zahlen Sie den offenen Betrag bis zum {until}.",
  "reminder-3-text":
    "trotz unserer Mahnungen ist unsere Rechnung {number} vom {issued}, fällig am {due}, nicht bezahlt. Dies ist unsere letzte Mahnung: Geht der offene Betrag nicht bis zum {until} ein, leiten wir ohne weitere Ankündigung rechtliche Schritte ein.",
  "reminder-thanks":
    "Sollten Sie inzwischen gezahlt haben, betrachten Sie dieses Schreiben bitte als gegenstandslos.",

  vatId: "USt-IdNr.",
  taxNumber: "Steuernummer",
  registration: "Register",
  bank: "Bank",
  iban: "IBAN",
  bic: "BIC",
};

const WORDINGS: Record<Language, Wording> = { en: english, de: german };

/** The language of a locale that documents are written in; English where it is none of them. */
export function languageOf(locale: string): Language {
  const [language] = locale.toLowerCase().split("-");
  return LANGUAGES.find((known) => known === language) ?? "en";
}

export function wordingOf(language: Language): Wording {
  return WORDINGS[language];
}

/** A text with its places, such as `{date}`, filled in. */
export function filled(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
