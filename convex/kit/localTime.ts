import { getISO } from "temporal-polyfill/fns/Calendar";
import * as Instant from "temporal-polyfill/fns/Instant";
import * as PlainDate from "temporal-polyfill/fns/PlainDate";
import * as PlainYearMonth from "temporal-polyfill/fns/PlainYearMonth";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";

/**
 * Days and months as the people of an organization count them: in its own time zone. By Temporal's
 * functions, of which a bundle has those alone that it calls: its classes are read whole by every call.
 */

/** `2026-11-20` */
export type Day = string;
/** `2026-11` */
export type Month = string;

export function dayOf(at: number, timeZone: string): Day {
  return PlainDate.toString(ZonedDateTime.toPlainDate(zoned(at, timeZone)));
}

export function monthOf(at: number, timeZone: string): Month {
  return dayOf(at, timeZone).slice(0, "2026-11".length);
}

/** The first moment of a day; where clocks skip midnight, the first that exists. */
export function startOfDay(day: Day, timeZone: string): number {
  // Where no time of day is given, it is the first that there is.
  return PlainDate.toZonedDateTime(dateOf(day), { timeZone }).epochMilliseconds;
}

/** The first moment of the day that it is in the organization. */
export function startOfToday(now: number, timeZone: string): number {
  return ZonedDateTime.startOfDay(zoned(now, timeZone)).epochMilliseconds;
}

/** The day on which something happened, as its first and its last moment. */
export function wholeDayOf(at: number, timeZone: string): { first: number; last: number } {
  const first = ZonedDateTime.startOfDay(zoned(at, timeZone));
  const next = ZonedDateTime.startOfDay(ZonedDateTime.addDays(first, 1));
  return { first: first.epochMilliseconds, last: next.epochMilliseconds - 1 };
}

export function startOfMonth(month: Month, timeZone: string): number {
  return startOfDay(`${month}-01`, timeZone);
}

/** The same local time of day so many days later. */
export function daysAfter(at: number, days: number, timeZone: string): number {
  return ZonedDateTime.addDays(zoned(at, timeZone), days).epochMilliseconds;
}

/** Whole days from one day to another. */
export function daysBetween(from: Day, to: Day): number {
  return PlainDate.diffDays(dateOf(from), dateOf(to));
}

/** Whether it is one of these weekdays (ISO 8601: 1 is Monday) and hours, on the clock of the zone. */
export function isWithinHours(
  at: number,
  timeZone: string,
  { from, to, weekdays }: { from: number; to: number; weekdays: readonly number[] },
): boolean {
  const local = zoned(at, timeZone);
  const { hour } = local;
  return weekdays.includes(ZonedDateTime.dayOfWeek(local)) && hour >= from && hour < to;
}

/** The day after it, on the calendar. */
export function dayAfter(day: Day): Day {
  return daysLater(day, 1);
}

/** The day so many days later, or earlier, on the calendar. */
export function daysLater(day: Day, days: number): Day {
  return PlainDate.toString(PlainDate.addDays(dateOf(day), days));
}

export function nextMonth(month: Month): Month {
  return PlainYearMonth.toString(
    PlainYearMonth.addMonths(PlainYearMonth.fromString(month, getISO), 1),
  );
}

function dateOf(day: Day): PlainDate.Record {
  return PlainDate.fromString(day, getISO);
}

function zoned(at: number, timeZone: string): ZonedDateTime.Record {
  return Instant.toZonedDateTimeISO(Instant.fromEpochMilliseconds(at), timeZone);
}
