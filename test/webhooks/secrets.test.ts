import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { openSecret } from "../../convex/kit/secretBox";
import { type Fixture, newBackend } from "../helpers/backend";

/** Which secrets a delivery is signed with, however often they are rotated. */
const HOUR = 60 * 60 * 1000;
let home: Fixture;
let webhookId: Id<"webhooks">;
let first: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 20, 12) });
  home = await newBackend();
  const body = { url: "https://hooks.example.com/", events: ["*"] };
  const made = (await home.request("POST", "/webhooks", { body })).body.data as unknown as {
    id: Id<"webhooks">;
    secret: string;
  };
  webhookId = made.id;
  first = made.secret;
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (milliseconds: number): void => {
  vi.setSystemTime(Date.now() + milliseconds);
};

async function rotate(overlapSeconds: number): Promise<string> {
  const path = `/webhooks/${webhookId}/rotate-secret`;
  const answer = await home.request("POST", path, { body: { overlapSeconds } });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.data as unknown as { secret: string }).secret;
}

/** The secrets that the next delivery is signed with, in the order of its signatures. */
async function signing(): Promise<string[]> {
  expect((await home.request("POST", `/webhooks/${webhookId}/test`)).status).toBe(201);
  const { jobs } = await home.backend.mutation(internal.delivery.webhookSending.exchange, {
    run: "test",
    outcomes: [],
    room: 1,
    underWay: { all: 0, failing: 0 },
  });
  const [job] = jobs;
  if (!job) throw new Error("Nothing is due.");
  const outcome = { id: job.id, attempt: job.attempt, at: Date.now(), durationMs: 1, status: 204 };
  const ended = { run: "test", outcomes: [outcome] };
  await home.backend.mutation(internal.delivery.webhookSending.handOver, ended);
  return await Promise.all(job.secrets.map(openSecret));
}

test("each replaced secret signs until its own end, however often it is rotated meanwhile", async () => {
  const second = await rotate(2 * 3600);
  later(HOUR / 2);
  const third = await rotate(3600);
  expect(await signing()).toEqual([third, second, first]);
  later(HOUR);
  expect(await signing()).toEqual([third, first]);
  later(HOUR / 2);
  expect(await signing()).toEqual([third]);
});

test("a sixth rotation within the overlaps is refused, says until when, and ends none of them", async () => {
  const secrets = [first];
  for (let i = 0; i < 5; i++) {
    secrets.unshift(await rotate(3600 + i));
    later(1000);
  }
  const path = `/webhooks/${webhookId}/rotate-secret`;
  const refused = await home.request("POST", path, { body: { overlapSeconds: 3600 } });
  expect(refused).toMatchObject({ status: 409, code: "CONFLICT" });
  const { nextAt } = refused.body.error?.details as unknown as { nextAt: number };
  expect(await signing()).toEqual(secrets);
  vi.setSystemTime(nextAt);
  const newest = await rotate(3600);
  expect(await signing()).toEqual([newest, ...secrets.slice(0, -1)]);
});

test("a rotation without an overlap leaves the new secret alone, also where five overlap", async () => {
  for (let i = 0; i < 5; i++) await rotate(3600);
  const alone = await rotate(0);
  expect(await signing()).toEqual([alone]);
});

test("a replaced secret that was kept as rows of before kept it goes on signing until its end", async () => {
  await home.backend.run(async ({ db }) => {
    const row = await db.get("webhooks", webhookId);
    if (!row) throw new Error("The webhook is missing.");
    const previousSecret = { secret: row.secret, until: Date.now() + HOUR };
    await db.patch("webhooks", webhookId, { previousSecret });
  });
  expect(await signing()).toEqual([first, first]);
  const second = await rotate(7200);
  expect(await signing()).toEqual([second, first, first]);
  later(HOUR);
  expect(await signing()).toEqual([second, first]);
});
