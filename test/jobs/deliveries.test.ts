import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc } from "../../convex/_generated/dataModel";
import type { SendJob } from "../../convex/delivery/webhookClaims";
import { type Fixture, newBackend } from "../helpers/backend";

/** Deliveries of webhooks as jobs: those of before jobs had one shape, and what administrators do. */
const NOW = Date.UTC(2026, 10, 20, 12);
let home: Fixture;
let webhookId: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
  home = await newBackend();
  const body = { url: "https://hooks.example.com/", events: ["contact.created"] };
  webhookId = (await home.request("POST", "/webhooks", { body })).body.data.id;
  await home.request("POST", `/webhooks/${webhookId}/test`);
});
afterEach(() => {
  vi.useRealTimers();
});

type Delivery = Doc<"webhookDeliveries">;

async function delivery(): Promise<Delivery> {
  const row = await home.backend.run(({ db }) => db.query("webhookDeliveries").first());
  if (!row) throw new Error("There is no delivery.");
  return row;
}

/** As it was before, its endpoint's queue and the sender not armed. */
async function asOfBefore(fields: Partial<Delivery>): Promise<void> {
  const { _id } = await delivery();
  await home.backend.run(async ({ db }) => {
    await db.patch("webhookDeliveries", _id, { job: undefined, ...fields });
    for (const queue of await db.query("webhookQueues").collect()) {
      await db.patch("webhookQueues", queue._id, { dueAt: Number.MAX_SAFE_INTEGER });
    }
    for (const sender of await db.query("webhookSenders").collect()) {
      const old = { run: null, leaseUntil: 0, wakeAt: Number.MAX_SAFE_INTEGER };
      await db.replace("webhookSenders", sender._id, old);
    }
  });
}

async function exchange(run: string): Promise<SendJob[]> {
  const args = { run, outcomes: [], room: 64, underWay: { all: 0, failing: 0 } };
  return (await home.backend.mutation(internal.delivery.webhookSending.exchange, args)).jobs;
}

const sweep = async (): Promise<void> => {
  await home.backend.mutation(internal.jobs.recovery.sweep, {});
};

test("a delivery of before that waited is made, once", async () => {
  await asOfBefore({ dueAt: NOW });
  await sweep();
  const [sent, ...others] = await exchange("a");
  expect([sent?.attempt, sent?.lease, others]).toEqual([0, 1, []]);
  expect(await delivery()).not.toHaveProperty("dueAt");
  expect(await delivery()).toMatchObject({
    status: "sending",
    job: { state: "running", lease: 1 },
  });
});

test("a delivery of before whose sender was interrupted is tried again", async () => {
  await asOfBefore({ ...{ status: "sending", dueAt: NOW }, sendingSince: NOW, leaseUntil: NOW });
  await sweep();
  expect(await exchange("a")).toEqual([]);
  const { status, attempts, job } = await delivery();
  expect([status, attempts[0]?.error, job?.interruptions]).toEqual([
    ...["pending", "Interrupted: it may have arrived.", 1],
  ]);
});

test("what a run of before tells without the number of its lease counts", async () => {
  await asOfBefore({
    ...{ status: "sending", dueAt: NOW },
    sendingSince: NOW,
    leaseUntil: NOW + 1,
  });
  const outcome = { id: (await delivery())._id, attempt: 0, at: NOW, durationMs: 1, status: 200 };
  const args = { run: "old", outcomes: [outcome] };
  await home.backend.mutation(internal.delivery.webhookSending.handOver, args);
  expect((await delivery()).status).toBe("succeeded");
});

test("an administrator cancels a delivery, and its list says so", async () => {
  const { _id: id } = await delivery();
  const one = { kind: "webhook delivery", id };
  await home.backend.mutation(internal.jobs.administration.cancel, one);
  expect(await exchange("a")).toEqual([]);
  const { body } = await home.request("GET", `/webhooks/${webhookId}/deliveries`);
  expect(body.data).toMatchObject([
    { status: "failed", nextAttemptAt: null, error: { message: "It was cancelled." } },
  ]);
  await home.backend.mutation(internal.jobs.administration.retry, one);
  expect(await exchange("a")).toHaveLength(1);
});
