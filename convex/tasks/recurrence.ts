import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import { invalidFields } from "../kit/errors";
import type { Day } from "../kit/localTime";

/** How a task comes again: on days, as RFC 5545 counts them. */
export type Recurrence = { rrule: string; from: "due" | "completion" };

const FREQUENCIES = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];

/** @throws VALIDATION_ERROR for what is no rule of days, or never comes */
export function requireRecurrence({ rrule }: Recurrence): void {
  const refused = (message: string): Error =>
    invalidFields([{ field: "recurrence.rrule", message }]);
  const frequency = /(?:^|;)FREQ=([A-Z]+)/i.exec(rrule)?.[1]?.toUpperCase() ?? "";
  if (/[\r\n:]/.test(rrule) || !FREQUENCIES.includes(frequency)) {
    throw refused(`must be a rule of RFC 5545 with FREQ=${FREQUENCIES.join(", ")}`);
  }
  try {
    occurrenceAfter(rrule, "2026-01-01", "2026-01-01");
  } catch {
    throw refused("must be a rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO");
  }
}

/** The first day after `day` on which a rule that begins on `start` comes; null after its end. */
export function occurrenceAfter(rrule: string, start: Day, day: Day): Day | null {
  const dtstart = Temporal.PlainDate.from(start).toZonedDateTime("UTC");
  const stamp = start.replaceAll("-", "");
  const rule = new RRuleTemporal({ rruleString: `DTSTART:${stamp}T000000Z\nRRULE:${rrule}` });
  const after = Temporal.PlainDate.from(day).toZonedDateTime("UTC");
  const from = Temporal.ZonedDateTime.compare(after, dtstart) < 0 ? dtstart : after;
  return rule.next(from, false)?.toPlainDate().toString() ?? null;
}
