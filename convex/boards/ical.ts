import ical from "ical-generator";
import type { CalendarEntry } from "./calendar";

/** What an entry's title is preceded by; a calendar program shows nothing else of it. */
const WORDS: Record<CalendarEntry["kind"], string> = {
  task_due: "Due",
  project_start: "Begins",
  project_end: "Ends",
  invoice_issued: "Invoice",
  invoice_due: "Payment due",
};

const DAY = 24 * 60 * 60 * 1000;

/**
 * RFC 5545. Days are days (`VALUE=DATE`), in whatever zone they are looked at, and end on the day after
 * (3.6.1). A UID is of what falls on the day, so that what is renamed or moved is the same event.
 */
export function calendarText(name: string, entries: readonly CalendarEntry[]): string {
  const calendar = ical({
    name,
    prodId: { company: "Freehold", product: "Freehold", language: "EN" },
  });
  for (const { kind, id, title, date } of entries) {
    const start = new Date(`${date}T00:00:00Z`);
    calendar.createEvent({
      id: `${kind}-${id}@freehold`,
      // A feed is a copy of now: when it was made is no news (and queries do not read the clock).
      stamp: start,
      ...{ start, end: new Date(start.getTime() + DAY), allDay: true },
      summary: `${WORDS[kind]}: ${title}`,
    });
  }
  return calendar.toString();
}
