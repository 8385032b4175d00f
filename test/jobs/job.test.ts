import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asked,
  attemptFailed,
  cancelled,
  ended,
  holds,
  interrupted,
  isOpen,
  leased,
  lookedAt,
  newJob,
  queuedAt,
  stepped,
  succeeded,
} from "../../convex/jobs/job";
import { jobView } from "../../convex/jobs/view";
import type { Id } from "../../convex/_generated/dataModel";
import type { Job } from "../../convex/schemas/jobSchemas";

/** The life of a job, whatever happens to it in whatever order. */
const NOW = Date.UTC(2026, 10, 20, 12);
const LEASE = 60_000;
const MOST = 4;

const lost = { most: MOST, error: "lost", poisoned: "poison", mayRepeat: true };

type Step = (job: Job, now: number) => Job;
const whenHeld =
  (step: Step): Step =>
  (job, now) =>
    job.state === "running" ? step(job, now) : job;

const STEPS: Record<string, Step> = {
  lease: (job, now) => (job.state === "queued" ? leased(job, now, LEASE) : job),
  ask: whenHeld((job, now) => asked(job, now, LEASE)),
  step: whenHeld((job, now) => stepped(job, now, LEASE, { done: 1 })),
  succeed: whenHeld(succeeded),
  fail: whenHeld((job, now) => attemptFailed(job, now, { error: "down" })),
  refuse: whenHeld((job, now) => attemptFailed(job, now, { error: "no", isFinal: true })),
  doubt: whenHeld((job, now) => attemptFailed(job, now, { error: "?", isUnknown: true })),
  lose: whenHeld((job, now) => interrupted(job, now, lost)),
  "lose what must not be repeated": whenHeld((job, now) =>
    interrupted(job, now, { ...lost, mayRepeat: false }),
  ),
  cancel: cancelled,
};

const lives = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 40 });

/** Every state that a life goes through, with the one before it and what led there. */
function states(names: string[]): { name: string; before: Job; after: Job; now: number }[] {
  let job = newJob(NOW);
  return names.map((name, index) => {
    const before = job;
    const now = NOW + index * 1000;
    job = STEPS[name]?.(job, now) ?? job;
    return { name, before, after: job, now };
  });
}

describe("whatever happens to a job", () => {
  test("only what was asked outside becomes unknown", () => {
    fc.assert(
      fc.property(lives, (names) => {
        for (const { before, after } of states(names)) {
          if (after.state === "unknown" && before.state !== "unknown")
            expect(before.asked).toBe(true);
        }
      }),
    );
  });

  test("it ends once, and no later outcome changes that", () => {
    fc.assert(
      fc.property(lives, (names) => {
        for (const { before, after } of states(names)) {
          if (!isOpen(before)) expect(after).toEqual(before);
        }
      }),
    );
  });

  test("no two leases have one number, and of a lost one nothing counts any more", () => {
    fc.assert(
      fc.property(lives, (names) => {
        const given: number[] = [];
        for (const { name, before, after } of states(names)) {
          if (after.lease !== before.lease) given.push(after.lease);
          const isLost = name.startsWith("lose") && before.state === "running";
          if (isLost) expect(holds(after, before.lease)).toBe(false);
          if (after.state === "running") expect(holds(after, after.lease - 1)).toBe(false);
        }
        expect(given).toEqual([...new Set(given)].sort((a, b) => a - b));
      }),
    );
  });

  test("one that is lost again and again ends: its losses in a row are counted, and only they", () => {
    fc.assert(
      fc.property(lives, (names) => {
        for (const { after } of states(names)) {
          expect(after.interruptions ?? 0).toBeLessThanOrEqual(MOST);
          if ((after.interruptions ?? 0) === MOST) expect(isOpen(after)).toBe(false);
        }
      }),
    );
  });

  test("what waits or has ended is held by nobody", () => {
    fc.assert(
      fc.property(lives, (names) => {
        for (const { after } of states(names)) {
          if (after.state === "running") continue;
          expect(after).not.toHaveProperty("runner");
          expect(after).not.toHaveProperty("until");
          expect(after).not.toHaveProperty("asked");
        }
      }),
    );
  });
});

const held = (): Job => leased(newJob(NOW), NOW, LEASE);

test("poison ends with its reason after so many losses in a row; a word in between counts anew", () => {
  let job = held();
  for (let loss = 1; loss < MOST; loss++) {
    job = interrupted(job, NOW, lost);
    expect(job).toMatchObject({ state: "queued", interruptions: loss, error: "lost" });
    job = leased(job, NOW, LEASE);
  }
  expect(interrupted(job, NOW, lost)).toMatchObject({ state: "failed", error: "poison" });
  const told = attemptFailed(job, NOW, { error: "down" });
  expect(told).not.toHaveProperty("interruptions");
});

test("the waits between attempts grow, are spread, and follow what the other side asks for", () => {
  const waits = [0, 0.5, 0.99].map(
    (random) => attemptFailed(held(), NOW, { error: "down", random }).at - NOW,
  );
  expect(waits).toEqual([1600, 2000, 2392]);
  expect(attemptFailed(held(), NOW, { error: "busy", retryAfter: 90_000 }).at).toBe(NOW + 90_000);
});

test("eleven attempts, then it has failed; where it must not end it goes on ever more rarely", () => {
  let job = newJob(NOW);
  for (let attempt = 1; attempt <= 11; attempt++) {
    job = attemptFailed(leased(job, NOW, LEASE), NOW, { error: "down" });
  }
  expect(job).toMatchObject({ state: "failed", attempts: 11, error: "down" });
  const endless = attemptFailed({ ...held(), attempts: 40 }, NOW, { error: "down", thenEvery: 7 });
  expect(endless).toMatchObject({ state: "queued", at: NOW + 7 });
});

test("after its deadline it is not tried again, and says what was wrong last", () => {
  const job = leased(newJob(NOW, { deadline: NOW + 1000 }), NOW, LEASE);
  const failing = { error: "down", random: 0.5 };
  expect(attemptFailed(job, NOW, failing)).toMatchObject({ state: "expired", error: "down" });
});

test("cancelled while it is held, it ends with its attempt: sent it is sent, in doubt unknown, else cancelled", () => {
  const job = cancelled(held(), NOW);
  expect(job).toMatchObject({ state: "running", isCancelled: true });
  expect(attemptFailed(job, NOW, { error: "down" }).state).toBe("cancelled");
  expect(interrupted(job, NOW, lost).state).toBe("cancelled");
  const inDoubt = asked(job, NOW, LEASE);
  expect(interrupted(inDoubt, NOW, lost).state).toBe("unknown");
  expect(succeeded(inDoubt, NOW).state).toBe("succeeded");
  expect(stepped(job, NOW, LEASE, undefined).isCancelled).toBe(true);
  expect(cancelled(newJob(NOW), NOW).state).toBe("cancelled");
});

test("progress stays through losses and ends", () => {
  const progress = { done: 3, total: 9 };
  const job = stepped(held(), NOW, LEASE, progress);
  expect(interrupted(job, NOW, lost).progress).toEqual(progress);
  expect(ended(queuedAt(job, NOW), "failed", NOW).progress).toEqual(progress);
});

test("a lease with a runner is looked at often, and never longer than it lasts", () => {
  const runner = "1" as Id<"_scheduled_functions">;
  const job = leased(newJob(NOW), NOW, 25_000, { runner });
  expect(job).toMatchObject({ at: NOW + 10_000, until: NOW + 25_000 });
  expect(lookedAt(job, NOW + 10_000).at).toBe(NOW + 20_000);
  expect(lookedAt(job, NOW + 20_000).at).toBe(NOW + 25_000);
});

test("whose a job is is told that it has failed, and nothing of our insides", () => {
  const job = attemptFailed(leased(newJob(NOW), NOW, LEASE), NOW, {
    error: "at db.ts:12",
    isFinal: true,
  });
  const shown = jobView("profile export", { _id: "j1", job, log: [], createdAt: NOW });
  expect(shown).toMatchObject({ status: "failed", error: { code: "INTERNAL_ERROR" } });
  expect(JSON.stringify(shown)).not.toContain("db.ts");
});
