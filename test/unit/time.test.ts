import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import {
  anyTime,
  businessDate,
  documentsFrom,
  documentsTo,
  feedSince,
  feedUntil,
  readTime,
} from "../../convex/kit/time";
import { readingIn } from "../../convex/kit/reading";

/** Without changes of clocks, far ahead, with changes at midnight, and one that once skipped a day. */
const ZONES = [
  "UTC",
  "Pacific/Auckland",
  "Europe/Berlin",
  "America/Sao_Paulo",
  "Africa/Cairo",
  "Pacific/Apia",
  "America/New_York",
];
const zone = fc.constantFrom(...ZONES);
const day = fc
  .date({ min: new Date("1990-01-02"), max: new Date("2299-12-30"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

function parsed(schema: z.ZodType, given: unknown, timeZone = "UTC"): unknown {
  const result = readingIn(timeZone, () => schema.safeParse(given));
  return result.success ? result.data : (result.error.issues[0]?.message ?? "");
}

describe("a date without a time", () => {
  test("is a whole day of the zone: no moment of it is left out and none of another is within", () => {
    fc.assert(
      fc.property(day, zone, fc.nat(86_399_999), (date, timeZone, within) => {
        const first = parsed(documentsFrom(), date, timeZone) as number;
        const last = parsed(documentsTo(), date, timeZone) as number;
        const around = first - 43_200_000 + within * 2;
        const dayThen = Temporal.Instant.fromEpochMilliseconds(around)
          .toZonedDateTimeISO(timeZone)
          .toPlainDate()
          .toString();
        expect(around >= first && around <= last).toBe(dayThen === date);
      }),
    );
  });

  test("meets the days beside it without a gap, also where clocks change at midnight", () => {
    fc.assert(
      fc.property(day, zone, (date, timeZone) => {
        const next = Temporal.PlainDate.from(date).add({ days: 1 }).toString();
        const last = parsed(documentsTo(), date, timeZone) as number;
        expect(parsed(documentsFrom(), next, timeZone)).toBe(last + 1);
        expect(parsed(feedUntil(), date, timeZone)).toBe(last);
        expect(parsed(feedSince(), next, timeZone)).toBe(last + 1);
      }),
    );
  });

  test("begins with the first moment that exists, and a day that a zone skipped has none", () => {
    const skipsMidnight = parsed(businessDate(), "2018-11-04", "America/Sao_Paulo");
    expect(skipsMidnight).toBe(Date.parse("2018-11-04T01:00-02:00"));
    const first = parsed(documentsFrom(), "2011-12-30", "Pacific/Apia") as number;
    expect(first).toBe(Date.parse("2011-12-31T00:00+14:00"));
    expect(parsed(documentsTo(), "2011-12-30", "Pacific/Apia")).toBe(first - 1);
  });

  test("can name its zone itself", () => {
    expect(parsed(feedUntil(), "2026-08-31[Asia/Tokyo]")).toBe(
      Date.parse("2026-08-31T23:59:59.999+09:00"),
    );
  });
});

test("a moment means the same instant in every zone, however it is written", () => {
  const instant = fc.integer({ min: 946_684_800_000, max: 7_258_118_400_000 });
  fc.assert(
    fc.property(instant, zone, zone, (at, timeZone, written) => {
      const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(written);
      const forms = [at, String(at), new Date(at).toISOString(), zoned.toString()];
      for (const form of forms) expect(parsed(businessDate(), form, timeZone)).toBe(at);
      const spoken = zoned.toString({ timeZoneName: "never", fractionalSecondDigits: 3 });
      expect(parsed(businessDate(), spoken, timeZone)).toBe(at);
    }),
  );
});

test("among documents, whose dates are days, a moment means its whole day", () => {
  const noon = Date.parse("2026-08-31T12:00+12:00");
  expect(parsed(documentsFrom(), noon, "Pacific/Auckland")).toBe(
    Date.parse("2026-08-31T00:00+12:00"),
  );
  expect(parsed(documentsTo(), noon, "Pacific/Auckland")).toBe(
    Date.parse("2026-08-31T23:59:59.999+12:00"),
  );
});

test.each([
  "05.06.2026",
  "05/06/2026",
  "foo 1",
  "1 May",
  "Tue",
  "2026",
  "2026-05",
  "2026-5-1",
  "2026-02-30",
  "2026-02-30T00:00:00Z",
  "2026-W22",
  "20260531",
  "2026-05-31Z",
  "2026-05-31T14:00:00",
  "2026-05-31T25:00:00Z",
  "2026-08-31T10:00+05:00[Europe/Berlin]",
  "2026-08-31T10:00[Foo/Bar]",
  "2026-08-31[Foo/Bar]",
  "1e12",
  " 2026-05-31",
  "",
  "now",
  "12.5",
  12.5,
  Number.NaN,
  true,
  null,
  {},
])("%j is no time, and the answer names the forms that there are", (given) => {
  for (const schema of [businessDate(), anyTime(), feedSince(), documentsTo()]) {
    expect(parsed(schema, given)).toMatch(/^must be milliseconds since the epoch, a date such as/);
  }
});

describe("plausible bounds", () => {
  test("a business date in seconds or microseconds is refused, and it is said why", () => {
    const now = Date.parse("2026-11-30T06:00:00Z");
    for (const schema of [businessDate(), documentsFrom(), documentsTo()]) {
      expect(parsed(schema, now / 1000)).toMatch(/looks like seconds/);
      expect(parsed(schema, String(now / 1000))).toMatch(/looks like seconds/);
      expect(parsed(schema, now * 1000)).toMatch(/looks like microseconds/);
    }
  });

  test("a business date lies from 1990 to 2300, whatever the zone", () => {
    fc.assert(
      fc.property(zone, (timeZone) => {
        for (const date of ["1990-01-01", "2300-01-01"]) {
          expect(parsed(businessDate(), date, timeZone)).toEqual(expect.any(Number));
        }
        for (const date of ["1989-12-30", "2300-01-04", "1970-01-01"]) {
          expect(parsed(businessDate(), date, timeZone)).toMatch(
            /between 1990-01-01 and 2300-01-01/,
          );
        }
      }),
    );
    expect(parsed(businessDate(), 1)).toMatch(/between/);
    expect(parsed(businessDate(), 9223372036855)).toEqual(expect.any(Number));
  });

  test("feeds and ranges of documents have none; a clock of elsewhere may be at 1970", () => {
    for (const at of [0, 1, 1_764_000_000, 253_402_300_799_999, 1_764_000_000_000_000]) {
      expect(parsed(feedSince(), at)).toBe(at);
      expect(parsed(feedUntil(), String(at))).toBe(at);
    }
    expect(parsed(documentsFrom(), "0")).toBe(0);
    // No document can be later, so that it is the end of what is asked.
    expect(parsed(documentsTo(), "253402300799999")).toBe(253_402_250_399_999);
    expect(parsed(anyTime(), 1_764_000_000)).toBe(1_764_000_000);
  });

  test("an integer that no double holds is no time", () => {
    for (const given of ["9007199254740993", 2 ** 53, "99999999999999999999"]) {
      expect(parsed(feedSince(), given)).toMatch(/^must be milliseconds/);
    }
  });
});

test("a schema of times used without a time zone fails at once, also where no day is sent", () => {
  expect(() => businessDate().safeParse(Date.now())).toThrow(/readingIn/);
});

test("what is not validated by a schema is read by the same rules", () => {
  const berlin = { edge: "first", timeZone: "Europe/Berlin", isBusiness: true } as const;
  expect(readTime("2026-08-31", berlin)).toEqual({ at: Date.parse("2026-08-31T00:00+02:00") });
  expect(readTime("2026-08-31T10:00:00Z", berlin).at).toBe(Date.parse("2026-08-31T10:00Z"));
  expect(readTime(1_764_000_000, berlin).problem).toMatch(/seconds/);
  expect(readTime("31.08.2026", berlin).problem).toMatch(/2026-08-31/);
});
