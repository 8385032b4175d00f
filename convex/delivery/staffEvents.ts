import type { Language } from "./letters";

/** What members of staff are told of, by the type of the event, with the words for it. */
export const STAFF_EVENTS = {
  "invoice.paid": { en: "Invoice # is paid", de: "Rechnung # ist bezahlt" },
  "invoice.overdue": { en: "Invoice # is overdue", de: "Rechnung # ist überfällig" },
  "invoice.undelivered": {
    en: "Invoice # could not be delivered",
    de: "Rechnung # konnte nicht zugestellt werden",
  },
  "quote.accepted": { en: "Quote # was accepted", de: "Angebot # wurde angenommen" },
  "quote.declined": { en: "Quote # was declined", de: "Angebot # wurde abgelehnt" },
  "quote.undelivered": {
    en: "Quote # could not be delivered",
    de: "Angebot # konnte nicht zugestellt werden",
  },
  "credit_note.undelivered": {
    en: "Credit note # could not be delivered",
    de: "Gutschrift # konnte nicht zugestellt werden",
  },
  "recurring_invoice.failed": {
    en: "Recurring invoice # was paused: it cannot run",
    de: "Wiederkehrende Rechnung # wurde angehalten: sie kann nicht laufen",
  },
  "contact.email_bounced": {
    en: "Mail to # comes back",
    de: "E-Mails an # kommen zurück",
  },
  "contact.email_complained": {
    en: "# has reported our mail as spam",
    de: "# hat unsere E-Mail als Spam gemeldet",
  },
  // To those whom it was given, and those who hold it.
  "task.assigned": { en: "Task # was assigned to you", de: "Aufgabe # wurde dir zugewiesen" },
  "task.due": { en: "Task # is due", de: "Aufgabe # ist fällig" },
  // To whom a comment names, and to those who follow what it is about.
  "comment.mentioned": {
    en: "You were mentioned in a comment on #",
    de: "Du wurdest in einem Kommentar erwähnt: #",
  },
  "comment.followed": { en: "New comment on #", de: "Neuer Kommentar: #" },
  "webhook.disabled": { en: "Webhook # was switched off", de: "Webhook # wurde abgeschaltet" },
} as const satisfies Record<string, Record<Language, string>>;

export type StaffEvent = keyof typeof STAFF_EVENTS;
export const STAFF_EVENT_TYPES = Object.keys(STAFF_EVENTS) as [StaffEvent, ...StaffEvent[]];

export function isStaffEvent(type: string): type is StaffEvent {
  return type in STAFF_EVENTS;
}

export function titleOf(event: StaffEvent, language: Language, name: string): string {
  return STAFF_EVENTS[event][language].replace("#", () => name);
}
