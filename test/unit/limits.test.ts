import fc from "fast-check";
import { expect, test } from "vitest";
import { draw } from "../../convex/kit/limits";

const MINUTE = 60_000;
const T = 1_800_000_000_000;

test("a full bucket gives its capacity at once, and then nothing", () => {
  let bucket = { tokens: 3, updatedAt: T };
  for (const left of [2, 1, 0]) {
    const drawn = draw(bucket, 3, T);
    expect(drawn).toMatchObject({ taken: true, bucket: { tokens: left } });
    if (drawn.taken) bucket = drawn.bucket;
  }
  expect(draw(bucket, 3, T)).toEqual({ taken: false, wait: MINUTE / 3 });
});

test("an empty bucket gives a token after the wait it named, and not before", () => {
  const empty = { tokens: 0, updatedAt: T };
  const refused = draw(empty, 100, T);
  expect(refused).toMatchObject({ taken: false });
  const wait = refused.taken ? 0 : refused.wait;
  expect(draw(empty, 100, T + wait - 1).taken).toBe(false);
  expect(draw(empty, 100, T + wait).taken).toBe(true);
});

test("a long rest fills a bucket to its capacity and no further", () => {
  const drawn = draw({ tokens: 0, updatedAt: T }, 10, T + 100 * MINUTE);
  expect(drawn).toMatchObject({ taken: true, bucket: { tokens: 9 } });
});

test("a clock that goes back neither refills nor drains", () => {
  const drawn = draw({ tokens: 5, updatedAt: T }, 10, T - MINUTE);
  expect(drawn).toEqual({ taken: true, bucket: { tokens: 4, updatedAt: T } });
});

test("never more than the capacity plus what has been refilled, whatever the clock does", () => {
  const steps = fc.array(fc.integer({ min: -2 * MINUTE, max: 2 * MINUTE }), { maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), steps, (capacity, jumps) => {
      let bucket = { tokens: capacity, updatedAt: T };
      let now = T;
      let latest = T;
      let taken = 0;
      for (const jump of jumps) {
        now += jump;
        latest = Math.max(latest, now);
        const drawn = draw(bucket, capacity, now);
        if (!drawn.taken) continue;
        taken += 1;
        bucket = drawn.bucket;
        expect(bucket.tokens).toBeGreaterThanOrEqual(0);
        expect(bucket.tokens).toBeLessThanOrEqual(capacity - 1);
      }
      const refilled = ((latest - T) * capacity) / MINUTE;
      expect(taken).toBeLessThanOrEqual(capacity + refilled + 1e-6);
    }),
  );
});

test("no minute of a bucket gives more than twice its capacity", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 50, maxLength: 400 });
  fc.assert(
    fc.property(gaps, (waits) => {
      let bucket = { tokens: 20, updatedAt: T };
      let now = T;
      const times: number[] = [];
      for (const wait of waits) {
        now += wait;
        const drawn = draw(bucket, 20, now);
        if (!drawn.taken) continue;
        bucket = drawn.bucket;
        times.push(now);
      }
      for (const start of times) {
        const within = times.filter((time) => time >= start && time < start + MINUTE);
        expect(within.length).toBeLessThanOrEqual(40);
      }
    }),
    { numRuns: 30 },
  );
});
