import { expect, test } from "vitest";
import { isRank } from "../../convex/ontology/ranks";
import { occurrenceAfter, requireRecurrence } from "../../convex/tasks/recurrence";

const refusalOf = (rrule: string): unknown => {
  try {
    requireRecurrence({ rrule, from: "due" });
    return null;
  } catch (error) {
    return (error as { data?: { code?: string } }).data?.code ?? error;
  }
};

test.each([
  "FREQ=DAILY;COUNT=3",
  "FREQ=DAILY;BYHOUR=9",
  "FREQ=DAILY;FOO=1",
  "FREQ=DAILY;INTERVAL=0",
  "FREQ=DAILY;INTERVAL=1000",
  "FREQ=MONTHLY;BYMONTHDAY=99",
  "FREQ=WEEKLY;BYDAY=XX",
  "FREQ=WEEKLY;WEEKLY",
  "FREQ=DAILY;FREQ=WEEKLY",
  "FREQ=DAILY;UNTIL=tomorrow",
  "FREQ=HOURLY",
  "INTERVAL=2",
  "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
  "FREQ=DAILY;",
  "",
])("%j is no rule of days that comes again", (rrule) => {
  expect(refusalOf(rrule)).toBe("VALIDATION_ERROR");
});

test.each([
  ["freq=weekly;byday=mo,fr", "2026-01-01", "2026-01-02"],
  ["FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01", "2026-01-30"],
  ["FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", "2026-02-28"],
  ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2026-01-01", "2028-02-29"],
  ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01", "2026-01-30"],
])("%s comes after %s on %s", (rrule, day, next) => {
  expect(refusalOf(rrule)).toBeNull();
  expect(occurrenceAfter(rrule, day, day)).toBe(next);
});

test("a rule that comes no more has no next, and hinders nobody from being done", () => {
  expect(occurrenceAfter("FREQ=DAILY;UNTIL=20260102", "2026-01-01", "2026-01-02")).toBeNull();
  expect(occurrenceAfter("FREQ=YEARLY;INTERVAL=999", "2026-01-01", "2026-01-01")).toBeNull();
  expect(
    occurrenceAfter("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-01", "2026-01-01"),
  ).toBeNull();
});

test("a place is none at the ends of what there is, where every later one would be longer", () => {
  expect(["a0", "Zz", "b00", "y".padEnd(26, "z")].map(isRank)).toEqual([true, true, true, true]);
  expect(["z".repeat(27), "A".padEnd(27, "0"), "a00", "", "!"].map(isRank)).not.toContain(true);
});
