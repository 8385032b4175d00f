import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { delayAfter, MAX_RETRY_AFTER, retryAfterOf } from "../../convex/jobs/backoff";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

describe("delayAfter", () => {
  test("is the schedule of Standard Webhooks, to within a fifth", () => {
    const seconds = [0, 2, 10, 60, 300, 1800, 7200, 18_000, 36_000, 86_400, 86_400];
    const middle = seconds.map((_, attempts) => delayAfter(attempts, { random: 0.5 }));
    expect(middle).toEqual(seconds.map((second) => second * SECOND));
    expect(delayAfter(1, { random: 0 })).toBe(1600);
    expect(delayAfter(1, { random: 0.999_999 })).toBe(2400);
  });

  test("ends after eleven attempts, whatever the receiver asks for", () => {
    expect(delayAfter(11)).toBeNull();
    expect(delayAfter(11, { retryAfter: 1000 })).toBeNull();
  });

  test("waits as long as it is asked to, a day at most", () => {
    const attempts = fc.integer({ min: 0, max: 10 });
    const retryAfter = fc.integer({ min: 0, max: 1000 * HOUR });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(attempts, retryAfter, random, (made, asked, chance) => {
        const delay = delayAfter(made, { retryAfter: asked, random: chance }) ?? -1;
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked, MAX_RETRY_AFTER));
        expect(delay).toBeLessThanOrEqual(1.2 * MAX_RETRY_AFTER);
      }),
    );
  });
});

describe("retryAfterOf", () => {
  const now = Date.UTC(2026, 10, 20, 12);
  test.each([
    ["120", 120 * SECOND],
    [" 0 ", 0],
    ["Fri, 20 Nov 2026 12:00:30 GMT", 30 * SECOND],
    ["Friday, 20-Nov-26 12:00:30 GMT", 30 * SECOND],
    ["Fri, 20 Nov 2026 11:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["2026-11-20", undefined],
    ["", undefined],
    [null, undefined],
  ])("reads %j as %s", (header, expected) => {
    expect(retryAfterOf(header, now)).toBe(expected);
  });
});
