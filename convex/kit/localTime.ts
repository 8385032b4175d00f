import { Temporal } from "temporal-polyfill";

/** Days and months as the people of an organization count them: in its own time zone. */

/** `2026-11-20` */
export type Day = string;
/** `2026-11` */
export type Month = string;

export function dayOf(at: number, timeZone: string): Day {
  return zoned(at, timeZone).toPlainDate().toString();
}

export function monthOf(at: number, timeZone: string): Month {
  return dayOf(at, timeZone).slice(0, "2026-11".length);
}

/** The first moment of a day; where clocks skip midnight, the first that exists. */
export function startOfDay(day: Day, timeZone: string): number {
  return Temporal.PlainDate.from(day).toZonedDateTime(timeZone).startOfDay().epochMilliseconds;
}

/** The first moment of the day that it is in the organization. */
export function startOfToday(now: number, timeZone: string): number {
  return zoned(now, timeZone).startOfDay().epochMilliseconds;
}

/** The day on which something happened, as its first and its last moment. */
export function wholeDayOf(at: number, timeZone: string): { first: number; last: number } {
  const first = zoned(at, timeZone).startOfDay();
  return {
    first: first.epochMilliseconds,
    last: first.add({ days: 1 }).startOfDay().epochMilliseconds - 1,
  };
}

export function startOfMonth(month: Month, timeZone: string): number {
  return startOfDay(`${month}-01`, timeZone);
}

/** The same local time of day so many days later. */
export function daysAfter(at: number, days: number, timeZone: string): number {
  return zoned(at, timeZone).add({ days }).epochMilliseconds;
}

/** Whole days from one day to another. */
export function daysBetween(from: Day, to: Day): number {
  return Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to)).days;
}

/** Whether it is one of these weekdays (ISO 8601: 1 is Monday) and hours, on the clock of the zone. */
export function isWithinHours(
  at: number,
  timeZone: string,
  { from, to, weekdays }: { from: number; to: number; weekdays: readonly number[] },
): boolean {
  const { hour, dayOfWeek } = zoned(at, timeZone);
  return weekdays.includes(dayOfWeek) && hour >= from && hour < to;
}

export function nextMonth(month: Month): Month {
  return Temporal.PlainYearMonth.from(month).add({ months: 1 }).toString();
}

function zoned(at: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone);
}
