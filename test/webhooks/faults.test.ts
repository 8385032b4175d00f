import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import type { SendJob } from "../../convex/delivery/webhookClaims";
import { MAX_INTERRUPTIONS } from "../../convex/delivery/webhookJob";
import type { SendOutcome } from "../../convex/delivery/webhookOutcomes";
import { type Fixture, newBackend } from "../helpers/backend";

/** The sender's transactions under a clock of the test's own: no attempt is made but those told here. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let home: Fixture;
let now: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  now = Date.UTC(2026, 10, 20, 12);
  vi.setSystemTime(now);
  home = await newBackend();
  const body = { url: "https://hooks.example.com/", events: ["contact.created"] };
  const { body: made } = await home.request("POST", "/webhooks", { body });
  id = made.data.id;
  await home.request("POST", `/webhooks/${id}/test`);
});

afterEach(() => {
  vi.useRealTimers();
});

let id: string;

function at(ms: number): void {
  now = ms;
  vi.setSystemTime(now);
}

async function exchange(run: string, outcomes: SendOutcome[] = []): Promise<SendJob[]> {
  const args = { run, outcomes, room: 64, underWay: { all: 0, failing: 0 } };
  return (await home.backend.mutation(internal.delivery.webhookSending.exchange, args)).jobs;
}

async function delivery(): Promise<Doc<"webhookDeliveries"> & { dueAt: number }> {
  const row = await home.backend.run(async ({ db }) => await db.query("webhookDeliveries").first());
  if (!row?.job) throw new Error("No delivery");
  return { ...row, dueAt: row.job.at };
}

function failed(job: SendJob, more: Partial<SendOutcome> = {}): SendOutcome {
  return { id: job.id, attempt: job.attempt, at: now, durationMs: 1, error: "down", ...more };
}

test("a receiver that is down for days is tried eleven times, then the delivery has failed", async () => {
  const waits: number[] = [];
  for (let attempt = 0; attempt < 11; attempt++) {
    const [job] = await exchange(`run ${attempt}`);
    if (!job) throw new Error(`No attempt ${attempt}`);
    await exchange(`run ${attempt}`, [failed(job)]);
    const { status, dueAt } = await delivery();
    if (status !== "pending") break;
    expect(await exchange(`early ${attempt}`)).toEqual([]);
    waits.push(Math.round((dueAt - now) / 1000));
    at(dueAt);
  }
  const { status, attempts } = await delivery();
  expect([status, attempts.length]).toEqual(["failed", 11]);
  const expected = [2, 10, 60, 300, 1800, 7200, 18_000, 36_000, 86_400, 86_400];
  waits.forEach((wait, index) => {
    expect(Math.abs(wait / (expected[index] ?? 0) - 1)).toBeLessThanOrEqual(0.21);
  });
});

test("Retry-After is waited for", async () => {
  const [job] = await exchange("a");
  if (!job) throw new Error("Nothing due");
  await exchange("a", [failed(job, { status: 429, retryAfter: HOUR })]);
  expect((await delivery()).dueAt).toBe(now + HOUR);
});

test("killed between sending and recording: tried again after the lease, and the late outcome counts no more", async () => {
  const [job] = await exchange("killed");
  if (!job) throw new Error("Nothing due");
  expect(await exchange("other")).toEqual([]);
  at(now + 26_000);
  await exchange("other");
  expect(await delivery()).toMatchObject({
    status: "pending",
    attempts: [{ error: "Interrupted: it may have arrived." }],
  });
  const { error: _, ...success } = failed(job, { status: 200 });
  await exchange("killed", [success]);
  expect((await delivery()).status).toBe("pending");
  at((await delivery()).dueAt);
  const [again] = await exchange("other");
  expect(again?.messageId).toBe(job.messageId);
  expect(again?.attempt).toBe(1);
});

test("five days of failing switch it off, with an event; switched on, it goes on", async () => {
  const [first] = await exchange("a");
  if (!first) throw new Error("Nothing due");
  await exchange("a", [failed(first)]);
  at(now + 5 * 24 * HOUR);
  const [late] = await exchange("b");
  if (!late) throw new Error("Nothing due");
  await exchange("b", [failed(late)]);
  const webhook = await home.request("GET", `/webhooks/${id}`);
  expect(webhook.body.data).toMatchObject({ status: "disabled", version: 2 });
  const events = await home.backend.run(async ({ db }) => await db.query("events").collect());
  expect(events.map(({ type }) => type)).toEqual(["webhook.disabled"]);
  expect((await home.request("POST", `/webhooks/${id}/test`)).code).toBe("INVALID_STATE");
  at(now + HOUR);
  expect(await exchange("c")).toEqual([]);
  await home.request("PATCH", `/webhooks/${id}`, { body: { status: "active" } });
  expect(await exchange("d")).toHaveLength(1);
});

test("a delivery under which the sender ends again and again is later each time, then fails and says why", async () => {
  for (let death = 1; death <= MAX_INTERRUPTIONS; death++) {
    const [job] = await exchange(`run ${death}`);
    expect(job?.attempt).toBe(death - 1);
    // The next run comes when both leases have ended, and does not begin with what ended the last.
    at(now + MINUTE);
    expect(await exchange(`after ${death}`)).toEqual([]);
    const { status, dueAt, attempts } = await delivery();
    expect(attempts).toHaveLength(death);
    if (death === MAX_INTERRUPTIONS) {
      expect(status).toBe("failed");
      expect(attempts.at(-1)?.error).toMatch(/^Interrupted 5 times in a row/);
    } else {
      expect([status, attempts.at(-1)?.error]).toEqual([
        "pending",
        "Interrupted: it may have arrived.",
      ]);
      expect(dueAt).toBeGreaterThan(now);
      at(dueAt + MINUTE);
    }
  }
});
