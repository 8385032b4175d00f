import type { Day } from "../kit/localTime";

/** The terms of a recurrence; schedule.ts computes with them. */
export const FREQUENCIES = ["weekly", "monthly", "yearly"] as const;
export const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;

export type Schedule = {
  frequency: (typeof FREQUENCIES)[number];
  /** Every so many weeks, months or years. */
  interval: number;
  /** Weekly: on this day of the week; else that of `startDay`. */
  weekday?: (typeof WEEKDAYS)[number] | undefined;
  /** Monthly and yearly: on this day, or the month's last where it is shorter; else `startDay`'s. */
  dayOfMonth?: number | "last" | undefined;
  /** Yearly: in this month; else that of `startDay`. */
  month?: number | undefined;
  startDay: Day;
  /** The last day on which it may run. */
  endDay?: Day | undefined;
  /** At most so many runs. */
  count?: number | undefined;
};
