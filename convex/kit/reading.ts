/**
 * Whose days are meant while something is read: a schema of times (time.ts) cannot know it, and who
 * validates says it. Apart from the schemas, because what has none of them need not load them.
 */

/** Thrown where a day must be placed and the time zone has not been looked up yet, see input.ts. */
export class TimeZoneNeeded extends Error {}

/** Validation is synchronous, so that what is being read is always what was begun last. */
let reading: { timeZone: string | null } | null = null;

/** Validates with schemas of times, in a time zone; null where it is not known yet. */
export function readingIn<Result>(timeZone: string | null, validate: () => Result): Result {
  const outer = reading;
  reading = { timeZone };
  try {
    return validate();
  } finally {
    reading = outer;
  }
}

/** @throws where nobody has said whose days they are: a fault of ours, which the first use shows */
export function requireReading(): { timeZone: string | null } {
  if (reading === null) throw new Error("A time is read outside of `readingIn`.");
  return reading;
}

/** @throws TimeZoneNeeded */
export function zoneOfReading(): string {
  const { timeZone } = requireReading();
  if (timeZone === null) throw new TimeZoneNeeded("A day needs a time zone.");
  return timeZone;
}
