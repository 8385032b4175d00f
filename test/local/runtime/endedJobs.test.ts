import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { startDeployment } from "../../../scripts/local/deployment";
import { eventually } from "../../helpers/server";
import { HandClock } from "./clock";
import { clientOf, FUNCTIONS } from "./fixture";

const DAY = 24 * 3_600_000;

test("jobs that have ended can be read for seven days, one that waits for as long as it does", async () => {
  const data = await mkdtemp(path.join(tmpdir(), "freehold-jobs-"));
  const clock = new HandClock(new Date().toISOString());
  const deployment = await startDeployment({
    data,
    functions: FUNCTIONS,
    sitePort: 0,
    cloudPort: 0,
    demo: false,
    clock,
  });
  try {
    const client = clientOf(deployment.cloudUrl);
    const begun = Date.now();
    const moveTo = (days: number): void => {
      clock.moveTo(new Date(begun + days * DAY).toISOString());
    };
    const stateOf = async (id: unknown): Promise<string | undefined> => {
      const job = await client.query("notes:job", { id: id as string });
      return (job as { state: { kind: string } } | null)?.state.kind;
    };
    const becomes = (id: unknown, state: string): Promise<string | undefined> =>
      eventually(
        () => stateOf(id),
        (found) => found === state,
      );
    /** Every look is an hour and more after the last, for the sweep may be at work while the clock moves. */
    const goesAfter = async (id: unknown, days: number): Promise<void> => {
      let day = days;
      await eventually(
        () => {
          moveTo((day += 0.05));
          return stateOf(id);
        },
        (found) => found === undefined,
      );
    };
    const schedule = (source: string, inMs: number): Promise<unknown> =>
      client.mutation("notes:schedule", { source, inMs });

    const early = await schedule("early", 0);
    const far = await schedule("far", 30 * DAY);
    moveTo(0.1);
    await becomes(early, "success");
    moveTo(6);
    const late = await schedule("late", 0);
    await becomes(late, "success");
    moveTo(7);
    expect(await stateOf(early)).toBe("success");
    await goesAfter(early, 7.2);
    expect(await stateOf(late)).toBe("success");
    expect(await stateOf(far)).toBe("pending");
    await goesAfter(late, 13.3);
    expect(await stateOf(far)).toBe("pending");
  } finally {
    await deployment.stop();
    await rm(data, { recursive: true, force: true });
  }
});
