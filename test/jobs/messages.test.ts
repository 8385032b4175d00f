// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import type { JobView } from "../../convex/jobs/administration";
import { moveClock, openOutbox, type Outbox } from "../delivery/outbox";
import { RESEND_ENV, type ResendServer, startResend } from "../delivery/resendServer";

/** What recovery and administration do with messages, of today and of before jobs had one shape. */
const MINUTE = 60_000;
let outbox: Outbox;
let resend: ResendServer;

beforeEach(async () => {
  resend = await startResend();
  outbox = await openOutbox({ RESEND_BASE_URL: resend.url });
});
afterEach(async () => {
  await resend.close();
});

type Message = Id<"notifications">;

/** One that no sender has been woken for: it was queued when there was no provider. */
async function queued(job: Doc<"notifications">["job"]): Promise<Message> {
  const id = await outbox.queue();
  for (const [name, value] of Object.entries(RESEND_ENV)) vi.stubEnv(name, value);
  if (job) await rewrite(id, { job });
  return id;
}

const due = (): Doc<"notifications">["job"] => ({
  ...{ state: "queued", at: Date.now(), attempts: 0, lease: 0 },
});

async function rewrite(id: Message, fields: Partial<Doc<"notifications">>): Promise<void> {
  await outbox.backend.run(async ({ db }) => {
    await db.patch("notifications", id, fields);
  });
}

async function recover(): Promise<{ interrupted: number; started: number }> {
  return await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
}

async function sweep(): Promise<void> {
  await outbox.backend.mutation(internal.jobs.recovery.sweep, {});
  await outbox.run();
}

async function listed(status: JobView["status"]): Promise<JobView[]> {
  const args = { status, cursor: null, limit: 10 };
  return (await outbox.backend.query(internal.jobs.administration.list, args)).jobs;
}

const prepare = async (notificationId: Message, lease: number) =>
  await outbox.backend.mutation(internal.delivery.queue.prepare, {
    ...{ notificationId, attempt: 0, lease },
  });

test("who lost a message before anybody was asked cannot begin it any more, and another sends it once", async () => {
  const id = await queued({ state: "running", at: Date.now(), attempts: 0, lease: 1 });
  expect(await prepare(id, 1)).not.toBeNull();
  moveClock(MINUTE);
  expect((await recover()).interrupted).toBe(1);
  expect(await prepare(id, 1)).toBeNull();
  const begin = { notificationId: id, attempt: 0, lease: 1 };
  expect(await outbox.backend.mutation(internal.delivery.queue.begin, begin)).toBeNull();
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({ status: "sent", job: { state: "succeeded" } });
  expect(resend.taken).toHaveLength(1);
});

test("a message that brings its sender down again and again has failed, and says so", async () => {
  const job = { state: "running", at: Date.now(), attempts: 0, lease: 20 } as const;
  const id = await queued({ ...job, interruptions: 11 });
  moveClock(MINUTE);
  await recover();
  expect(await outbox.message(id)).toMatchObject({
    status: "failed",
    reason: "Interrupted 11 times before it could be sent.",
    job: { state: "failed", interruptions: 12 },
  });
  expect(resend.requests).toBe(0);
});

const OF_BEFORE: [string, (now: number) => Partial<Doc<"notifications">>, object][] = [
  ["due", (now) => ({ nextAttemptAt: now }), { status: "sent" }],
  [
    "to be tried again later",
    (now) => ({ nextAttemptAt: now + MINUTE, attempts: [{ at: now, provider: "resend" }] }),
    { status: "queued", job: { state: "queued", attempts: 1 } },
  ],
  [
    "being sent",
    (now) => ({
      ...{ status: "sending", leasedUntil: now - 1 },
      attempts: [{ at: now, provider: "smtp" }],
    }),
    { status: "unknown", job: { state: "unknown" } },
  ],
];

test.each(OF_BEFORE)("a row of before that was %s goes on", async (_, before, after) => {
  const id = await queued(undefined);
  await rewrite(id, { job: undefined, ...before(Date.now()) });
  await sweep();
  await recover();
  await outbox.run();
  const message = await outbox.message(id);
  expect(message).toMatchObject(after);
  expect(message).not.toHaveProperty("nextAttemptAt");
  expect(message).not.toHaveProperty("leasedUntil");
});

test("a row of before that is kept for want of a provider goes out when a person sends it", async () => {
  const id = await queued(undefined);
  await rewrite(id, { job: undefined, reason: "No provider." });
  await sweep();
  expect((await outbox.message(id)).status).toBe("queued");
  const sent = await outbox.request("POST", `/notifications/${id}/resend`);
  expect(sent.status, sent.text).toBe(201);
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("sent");
});

test("an administrator sees a message as every job is seen, has it tried again, and cancels it", async () => {
  const [first, second] = [await outbox.queue(), await queued(due())];
  await rewrite(first, { job: due() });
  const { organizationId } = outbox;
  const shared = { kind: "message", status: "queued", attempts: 0, organizationId };
  const waiting = await listed("queued");
  expect(waiting).toMatchObject([
    { ...shared, lastError: null, leasedUntil: null, progress: null, endedAt: null },
    shared,
  ]);
  expect(waiting.map(({ id }) => id).sort()).toEqual([first, second].sort());
  const one = { kind: "message", id: first };
  await outbox.backend.mutation(internal.jobs.administration.cancel, one);
  expect(await outbox.message(first)).toMatchObject({
    ...{ status: "cancelled", cancelReason: "It was cancelled." },
  });
  await expect(outbox.backend.mutation(internal.jobs.administration.cancel, one)).rejects.toThrow(
    "A job that is cancelled cannot be cancelled.",
  );
  resend.faults.push({ status: 422, name: "validation_error" });
  await outbox.run();
  expect(await listed("failed")).toMatchObject([{ id: second, attempts: 1, nextAttemptAt: null }]);
  const again = { kind: "message", id: second };
  await outbox.backend.mutation(internal.jobs.administration.retry, again);
  await outbox.run();
  expect(resend.taken).toHaveLength(1);
  expect(await listed("succeeded")).toHaveLength(1);
});

test("a message that is cancelled while its provider is asked is sent where that took it", async () => {
  const id = await queued(due());
  const begun = { notificationId: id, attempt: 0 };
  for (const outcome of [{ kind: "retry", error: "busy" }, { kind: "sent" }] as const) {
    await rewrite(id, { status: "queued", attempts: [], job: due(), cancelReason: undefined });
    await outbox.backend.mutation(internal.delivery.queue.begin, begun);
    await outbox.backend.mutation(internal.jobs.administration.cancel, { kind: "message", id });
    expect((await outbox.message(id)).status).toBe("sending");
    await outbox.backend.mutation(internal.delivery.queue.settle, { ...begun, outcome });
    const status = outcome.kind === "sent" ? "sent" : "cancelled";
    expect((await outbox.message(id)).status).toBe(status);
  }
});
