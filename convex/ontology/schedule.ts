/**
 * When recurring documents are made: on days, not at moments, so that a change of clocks neither
 * repeats nor skips one. The recurrence itself is RFC 5545's.
 */
import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import type { Day } from "../kit/localTime";
import { type Schedule, WEEKDAYS } from "./scheduleTerms";

const SHORTEST_MONTH = 28;

/** The first run on or after `day`, given how many there have been. */
export function nextRun(schedule: Schedule, day: Day, runs: number): Day | null {
  if (schedule.count !== undefined && runs >= schedule.count) return null;
  const next = ruleOf(schedule).next(midnight(day), true);
  const found = next?.toPlainDate().toString() ?? null;
  if (found === null) return null;
  return schedule.endDay !== undefined && found > schedule.endDay ? null : found;
}

function ruleOf(schedule: Schedule): RRuleTemporal {
  const { frequency, interval, startDay } = schedule;
  const start = Temporal.PlainDate.from(startDay);
  const dtstart = midnight(startDay);
  const common = { interval, dtstart, tzid: "UTC", wkst: "MO" } as const;
  if (frequency === "weekly") {
    const weekday = schedule.weekday ?? WEEKDAYS[start.dayOfWeek - 1] ?? "MO";
    return new RRuleTemporal({ freq: "WEEKLY", byDay: [weekday], ...common });
  }
  const onDay = daysOfMonth(schedule.dayOfMonth ?? start.day);
  if (frequency === "monthly") return new RRuleTemporal({ freq: "MONTHLY", ...onDay, ...common });
  const byMonth = [schedule.month ?? start.month];
  return new RRuleTemporal({ freq: "YEARLY", byMonth, ...onDay, ...common });
}

/** The 31st means the last day of a month that has no 31st: RFC 5545 alone would skip that month. */
function daysOfMonth(day: number | "last"): { byMonthDay: number[]; bySetPos?: number[] } {
  if (day === "last") return { byMonthDay: [-1] };
  if (day <= SHORTEST_MONTH) return { byMonthDay: [day] };
  const days = Array.from({ length: day - SHORTEST_MONTH + 1 }, (_, i) => SHORTEST_MONTH + i);
  return { byMonthDay: days, bySetPos: [-1] };
}

function midnight(day: Day): Temporal.ZonedDateTime {
  return Temporal.PlainDate.from(day).toZonedDateTime("UTC");
}
