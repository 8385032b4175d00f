import { RRuleTemporal } from "rrule-temporal";
import { Temporal } from "temporal-polyfill";
import { invalidFields } from "../kit/errors";
import type { Day } from "../kit/localTime";

/** No date of ours lies after it. */
const LAST_YEAR = 2299;

/** How a task comes again: on days, as RFC 5545 counts them. */
export type Recurrence = { rrule: string; from: "due" | "completion" };

/**
 * Each task begins the rule anew, so that COUNT would never end; times of the day are none of a rule of
 * days.
 */
const PARTS: Readonly<Record<string, RegExp>> = {
  FREQ: /^(DAILY|WEEKLY|MONTHLY|YEARLY)$/,
  INTERVAL: /^[1-9]\d{0,2}$/,
  UNTIL: /^\d{8}(T\d{6}Z?)?$/,
  WKST: /^(MO|TU|WE|TH|FR|SA|SU)$/,
  BYDAY: listOf("[+-]?([1-9]|[1-4]\\d|5[0-3])?(MO|TU|WE|TH|FR|SA|SU)"),
  BYMONTHDAY: listOf("[+-]?([1-9]|[12]\\d|3[01])"),
  BYYEARDAY: listOf("[+-]?([1-9]|[1-9]\\d|[12]\\d\\d|3[0-5]\\d|36[0-6])"),
  BYWEEKNO: listOf("[+-]?([1-9]|[1-4]\\d|5[0-3])"),
  BYMONTH: listOf("([1-9]|1[0-2])"),
  BYSETPOS: listOf("[+-]?([1-9]|[1-9]\\d|[12]\\d\\d|3[0-5]\\d|36[0-6])"),
};

function listOf(value: string): RegExp {
  return new RegExp(`^${value}(,${value}){0,30}$`);
}

/** @throws VALIDATION_ERROR for what is no rule of days, or never comes */
export function requireRecurrence({ rrule }: Recurrence): void {
  const refused = (message: string): Error =>
    invalidFields([{ field: "recurrence.rrule", message }]);
  const seen = new Set<string>();
  for (const part of rrule.toUpperCase().split(";")) {
    const [name = "", value = ""] = part.split(/=(.*)/s);
    const allowed = PARTS[name];
    if (!allowed) {
      throw refused(
        `may have the parts ${Object.keys(PARTS).join(", ")}, and has ${part || "an empty one"}`,
      );
    }
    if (!allowed.test(value)) throw refused(`must be a rule of RFC 5545, and has ${part}`);
    if (seen.has(name)) throw refused(`must have ${name} once`);
    seen.add(name);
  }
  if (!seen.has("FREQ")) throw refused("must be a rule of RFC 5545 with FREQ=");
  try {
    ruleFrom(rrule, "2026-01-01").next(beginningOf("2026-01-01"), false);
  } catch {
    throw refused("must be a rule of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO");
  }
}

/** The first day after `day` on which a rule that begins on `start` comes; null where it comes no more. */
export function occurrenceAfter(rrule: string, start: Day, day: Day): Day | null {
  const rule = ruleFrom(rrule, start);
  const from = beginningOf(day < start ? start : day);
  try {
    const next = rule.next(from, false)?.toPlainDate() ?? null;
    return next && next.year <= LAST_YEAR ? next.toString() : null;
  } catch {
    // It looked further than it may: a rule such as the 30th of February. A task can be done all the same.
    return null;
  }
}

function ruleFrom(rrule: string, start: Day): RRuleTemporal {
  const stamp = start.replaceAll("-", "");
  return new RRuleTemporal({ rruleString: `DTSTART:${stamp}T000000Z\nRRULE:${rrule}` });
}

function beginningOf(day: Day): Temporal.ZonedDateTime {
  return Temporal.PlainDate.from(day).toZonedDateTime("UTC");
}
