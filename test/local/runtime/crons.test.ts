import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Deployment, startDeployment } from "../../../scripts/local/deployment";
import { systemClock } from "../../../scripts/local/scheduler/clock";
import { nextRun } from "../../../scripts/local/scheduler/cronTimes";
import { eventually } from "../../helpers/server";
import { HandClock } from "./clock";
import { clientOf, FUNCTIONS } from "./fixture";

const at = (time: string): number => Date.parse(time);

describe("the time of the next run", () => {
  test.each([
    ["hourly", { type: "hourly", minuteUTC: 15 }, "2026-03-01T10:20:00Z", "2026-03-01T11:15:00Z"],
    [
      "daily",
      { type: "daily", hourUTC: 3, minuteUTC: 30 },
      "2026-03-01T03:30:00Z",
      "2026-03-02T03:30:00Z",
    ],
    [
      "weekly",
      { type: "weekly", dayOfWeek: "monday", hourUTC: 9, minuteUTC: 0 },
      "2026-11-20T10:00:00Z",
      "2026-11-23T09:00:00Z",
    ],
    [
      "monthly",
      { type: "monthly", day: 31, hourUTC: 0, minuteUTC: 5 },
      "2026-01-31T00:05:00Z",
      "2026-03-31T00:05:00Z",
    ],
    [
      "cron",
      { type: "cron", cron: "*/20 8-9 * * 1-5" },
      "2026-11-20T09:40:00Z",
      "2026-11-23T08:00:00Z",
    ],
  ] as const)("%s", (name, schedule, now, next) => {
    expect(new Date(nextRun(name, schedule, null, at(now))).toISOString()).toBe(
      new Date(next).toISOString(),
    );
  });

  test("an interval keeps its beat and skips what was missed", () => {
    const every = { type: "interval", minutes: 10 } as const;
    const start = at("2026-01-01T00:00:00Z");
    expect(nextRun("i", every, null, start)).toBe(start);
    expect(nextRun("i", every, start, start)).toBe(at("2026-01-01T00:10:00Z"));
    expect(nextRun("i", every, start, at("2026-01-01T05:03:00Z"))).toBe(at("2026-01-01T05:10:00Z"));
  });

  test("a job without a minute keeps the one picked for it", () => {
    const minutes = [1, 2].map((day) =>
      new Date(
        nextRun("spread", { type: "daily", hourUTC: 4 }, null, at(`2026-01-0${day}T05:00:00Z`)),
      ).getUTCMinutes(),
    );
    expect(minutes[0]).toBe(minutes[1]);
  });

  test.each(["@daily", "* * * *", "99 * * * *", "0 * * * * *"])(
    "%s is no cron expression",
    (cron) => {
      expect(() => nextRun("bad", { type: "cron", cron }, null, 0)).toThrow('crons: "bad"');
    },
  );
});

describe("cron jobs", () => {
  let data: string;
  let deployment: Deployment | null = null;
  beforeEach(async () => {
    data = await mkdtemp(path.join(tmpdir(), "freehold-crons-"));
  });
  afterEach(async () => {
    await deployment?.stop();
    await rm(data, { recursive: true, force: true });
  });

  async function startAt(time: string): Promise<HandClock> {
    await deployment?.stop();
    const clock = new HandClock(time);
    const ports = { sitePort: 0, cloudPort: 0 };
    deployment = await startDeployment({
      data,
      functions: FUNCTIONS,
      demo: false,
      clock,
      ...ports,
    });
    return clock;
  }
  const count = async (): Promise<unknown> =>
    await clientOf(deployment?.cloudUrl ?? "").query("ticks:count", { source: "daily" });

  test("a job runs at its time, and again at the next", async () => {
    const clock = await startAt("2026-03-01T00:00:00Z");
    clock.moveTo("2026-03-01T03:29:59Z");
    expect(await count()).toBe(0);
    clock.moveTo("2026-03-01T03:30:00Z");
    await eventually(count, (runs) => runs === 1);
    await eventually(
      () => {
        clock.moveTo("2026-03-02T03:30:00Z");
        return count();
      },
      (runs) => runs === 2,
    );
  });

  test("a run missed while the server was down is made up once, not once a day, and not twice", async () => {
    await startAt("2026-03-01T00:00:00Z");
    await startAt("2026-03-05T12:00:00Z");
    await eventually(count, (runs) => runs === 1);
    const clock = await startAt("2026-03-05T12:00:01Z");
    clock.moveTo("2026-03-06T03:29:00Z");
    expect(await count()).toBe(1);
    clock.moveTo("2026-03-06T03:30:00Z");
    await eventually(count, (runs) => runs === 2);
  });

  test("a clock that is set back does not put a job off until the old time", async () => {
    const clock = await startAt("2026-03-01T00:00:00Z");
    await eventually(
      () => {
        clock.moveTo("2026-03-01T03:30:00Z");
        return count();
      },
      (runs) => runs === 1,
    );
    clock.moveTo("2025-11-01T00:00:00Z");
    await eventually(
      () => {
        clock.moveTo("2025-11-01T03:30:00Z");
        return count();
      },
      (runs) => runs === 2,
    );
  });

  test("nor does one that is set back while the server is down", async () => {
    await startAt("2026-03-01T00:00:00Z");
    const clock = await startAt("2025-11-01T00:00:00Z");
    clock.moveTo("2025-11-01T03:30:00Z");
    await eventually(count, (runs) => runs === 1);
  });
});

test("whoever waits for a time is woken when the clock has been set back", async () => {
  const ahead = 500;
  const real = Date.now.bind(Date);
  const woken = new Promise<void>((resolve) => systemClock.at(real() + ahead, resolve));
  const spy = vi.spyOn(Date, "now").mockImplementation(() => real() - 3_600_000);
  try {
    await woken;
  } finally {
    spy.mockRestore();
  }
});
