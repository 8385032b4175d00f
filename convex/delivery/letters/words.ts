import type { Language } from "./letter";

/** Words that several letters have in common. */
type Words = {
  greeting: (name: string) => string;
  number: string;
  amount: string;
  open: string;
  dueDate: string;
  validUntil: string;
  paidOn: string;
  originalNumber: string;
  pay: string;
  closing: (organization: string) => string;
  footer: (organization: string) => string;
  /** Of what tells a member of something: nobody reads answers to it. */
  noticeFooter: (organization: string) => string;
};

export const WORDS: Record<Language, Words> = {
  en: {
    greeting: (name) => (name === "" ? "Hello," : `Hello ${name},`),
    number: "Number",
    amount: "Amount",
    open: "Open amount",
    dueDate: "Due date",
    validUntil: "Valid until",
    paidOn: "Paid on",
    originalNumber: "Invoice",
    pay: "Pay online",
    closing: (organization) => `Kind regards\n${organization}`,
    footer: (organization) => `Sent by ${organization}. You can simply reply to this message.`,
    noticeFooter: (organization) =>
      `Sent by ${organization}. Replies to this message are not read.`,
  },
  de: {
    greeting: (name) => (name === "" ? "Guten Tag," : `Guten Tag ${name},`),
    number: "Nummer",
    amount: "Betrag",
    open: "Offener Betrag",
    dueDate: "Fällig am",
    validUntil: "Gültig bis",
    paidOn: "Bezahlt am",
    originalNumber: "Rechnung",
    pay: "Online bezahlen",
    closing: (organization) => `Mit freundlichen Grüßen\n${organization}`,
    footer: (organization) =>
      `Gesendet von ${organization}. Sie können auf diese Nachricht einfach antworten.`,
    noticeFooter: (organization) =>
      `Gesendet von ${organization}. Antworten auf diese Nachricht werden nicht gelesen.`,
  },
};
