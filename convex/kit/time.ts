import { getISO, type Record as CalendarRecord } from "temporal-polyfill/fns/Calendar";
import * as Instant from "temporal-polyfill/fns/Instant";
import * as PlainDate from "temporal-polyfill/fns/PlainDate";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";
import * as z from "zod";
import { dayAfter, startOfDay, wholeDayOf } from "./localTime";
import { readingIn, requireReading, zoneOfReading } from "./reading";
import { once } from "./once";

/**
 * The one reader of times, for every parameter and body of every route: milliseconds since the epoch,
 * or ISO 8601 / RFC 3339 as `Temporal` reads it. A date without a time is a whole day in somebody's
 * time zone, which a schema cannot know: who validates says it (`readingIn`, see reading.ts), and a
 * schema of this file that is used without is a fault that its first use shows.
 */
export const FORMS =
  "milliseconds since the epoch, a date such as 2026-08-31 (a whole day in the organization's time zone), or a time with Z, an offset or a zone such as 2026-08-31T10:00:00Z";

/** Of a whole day, its first or its last millisecond. */
type Edge = "first" | "last";

export type TimeReading = {
  /** What a date without a time means. */
  edge: Edge;
  timeZone: string;
  /** Whether it is the date of a deed or document, which has plausible bounds. */
  isBusiness?: boolean;
};

/** The time in milliseconds since the epoch, or why it is none. */
export type TimeRead = { at: number; problem?: undefined } | { at?: undefined; problem: string };

/** Reads what somebody sent as a time, by the rules of this file. */
export function readTime(
  given: number | string,
  { edge, timeZone, isBusiness }: TimeReading,
): TimeRead {
  return readingIn(timeZone, () => read(given, isBusiness ? BUSINESS : ANY, edge));
}

/** What a parameter takes beyond being a time. */
type Kind = {
  /** Why a time that could be read is not taken. */
  refusal(at: number, isNumber: boolean): string | null;
  /** Whether it speaks of days: a moment then means the whole day that it falls on. */
  days?: true;
};

/** In every time zone, also those that are ahead of UTC or behind it. */
const HALF_A_DAY = 14 * 60 * 60 * 1000;
const FIRST_DATE = Date.UTC(1990, 0, 1) - HALF_A_DAY;
const LAST_DATE = Date.UTC(2300, 0, 2) + HALF_A_DAY;
/** The latest time whose year has four digits in every time zone, also 14 hours ahead. */
const LAST_TIME = Date.UTC(9999, 11, 31, 9, 59, 59, 999);
const SECOND = 1000;

/** Numbers that are no likely time in milliseconds, but one in another unit. */
function misread(at: number): string | null {
  if (isPlausible(at * SECOND)) return "looks like seconds; send milliseconds since the epoch";
  if (isPlausible(at / SECOND)) return "looks like microseconds; send milliseconds since the epoch";
  return null;
}

function isPlausible(at: number): boolean {
  return at >= FIRST_DATE && at < LAST_DATE;
}

const BUSINESS: Kind = {
  refusal: (at, isNumber) =>
    isPlausible(at)
      ? null
      : ((isNumber ? misread(at) : null) ?? "must lie between 1990-01-01 and 2300-01-01"),
};
const ANY: Kind = {
  refusal: (at) => (at >= 0 && at <= LAST_TIME ? null : "must lie between 1970 and 9999"),
};
/** What lies beyond the ends of a feed is simply not in it. */
const FEED: Kind = { refusal: () => null };
const DOCUMENTS: Kind = {
  refusal: (at, isNumber) => (isNumber ? misread(at) : null),
  days: true,
};

const given = once(() =>
  z.union([z.number(), z.string().max(100)], {
    error: ({ input }) => (input === undefined ? undefined : `must be ${FORMS}`),
  }),
);

/** The date of a deed or a document: of a day, its first moment. */
export const businessDate = once(() => schemaOf(BUSINESS, "first"));
/** A date until when something holds: of a day, its last moment. */
export const endDate = once(() => schemaOf(BUSINESS, "last"));
/** A time of another clock, or of anything else that has no plausible bounds. */
export const anyTime = once(() => schemaOf(ANY, "first"));
/** Such a time up to which something is listed: of a day, its last moment. */
export const anyTimeUntil = once(() => schemaOf(ANY, "last"));
/** From where a feed is read. */
export const feedSince = once(() => schemaOf(FEED, "first"));
/** Up to where, which is included. */
export const feedUntil = once(() => schemaOf(FEED, "last"));
/** The day from which documents are listed, by their dates, which are days. */
export const documentsFrom = once(() => schemaOf(DOCUMENTS, "first"));
/** The day up to which they are, which is included. */
export const documentsTo = once(() => schemaOf(DOCUMENTS, "last"));

type TimeSchema = z.ZodPipe<
  z.ZodUnion<readonly [z.ZodNumber, z.ZodString]>,
  z.ZodTransform<number, number | string>
>;

function schemaOf(kind: Kind, edge: Edge): TimeSchema {
  return given()
    .transform((time, context) => {
      const { at, problem } = read(time, kind, edge);
      if (problem === undefined) return at;
      context.addIssue({ code: "custom", message: problem });
      return z.NEVER;
    })
    .meta({ description: `A time: ${FORMS}.` });
}

function read(given: number | string, kind: Kind, edge: Edge): TimeRead {
  requireReading();
  const number = numberOf(given);
  const span = number === null ? readIso(String(given)) : momentOf(number);
  if (span === null) return { problem: `must be ${FORMS}` };
  const refusal = kind.refusal(span.first, number !== null);
  if (refusal !== null) return { problem: refusal };
  return { at: kind.days ? wholeDays(span)[edge] : span[edge] };
}

/** Null for what is no number, and for what people write of a day: a year alone, or `20260531`. */
function numberOf(given: number | string): number | null {
  if (typeof given === "number") return given;
  const isDay = readDay(given.replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3")) !== null;
  return /^-?\d+$/.test(given) && !/^\d{4}$/.test(given) && !isDay ? Number(given) : null;
}

type Span = { first: number; last: number };

function momentOf(number: number): Span | null {
  return Number.isSafeInteger(number) ? { first: number, last: number } : null;
}

/** A whole day as its first and last moments, or one moment; null for what is neither. */
function readIso(text: string): Span | null {
  try {
    const [, date = text, zone] = /^([^T[\]]+)\[([^[\]=]+)\]$/i.exec(text) ?? [];
    const day = readDay(date);
    if (day) return spanOf(day, zone ?? zoneOfReading());
    const at = text.includes("[")
      ? ZonedDateTime.fromString(text, westernCalendar, { offset: "reject" })
      : Instant.fromString(text);
    return momentOf(at.epochMilliseconds);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** That of an annotation such as `[u-ca=gregory]`. @throws RangeError for one that counts otherwise */
function westernCalendar(id: string): CalendarRecord {
  if (id !== "iso8601" && id !== "gregory") throw new RangeError(`Another calendar: ${id}`);
  return getISO();
}

function readDay(text: string): string | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  try {
    return PlainDate.toString(PlainDate.fromString(text, getISO));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function spanOf(day: string, timeZone: string): Span {
  return { first: startOfDay(day, timeZone), last: startOfDay(dayAfter(day), timeZone) - 1 };
}

/** The day, or days, in which a span lies, as far as documents can have them. */
function wholeDays({ first, last }: Span): Span {
  const timeZone = zoneOfReading();
  if (first > last) return { first, last };
  if (last < 0) return { first: -1, last: -1 };
  if (first > LAST_TIME) return { first: LAST_TIME, last: LAST_TIME };
  return { first: wholeDayOf(first, timeZone).first, last: wholeDayOf(last, timeZone).last };
}
