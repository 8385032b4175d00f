// @vitest-environment node
import { afterEach, beforeEach, expect, test } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { queueMessages } from "../../convex/delivery/outbox";
import { invoice } from "../invoicing/books";
import { moveClock, openOutbox, type Outbox } from "./outbox";
import { RESEND_ENV, type ResendServer, startResend } from "./resendServer";

/** Mail through a server that speaks Resend's API. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let resend: ResendServer;
let outbox: Outbox;

beforeEach(async () => {
  resend = await startResend();
  outbox = await openOutbox({ ...RESEND_ENV, RESEND_BASE_URL: resend.url });
});

afterEach(async () => {
  await resend.close();
});

test("a message goes out once, with subject, both parts, and the organization as its sender", async () => {
  await outbox.request("PATCH", "/organization", {
    body: { sender: { name: 'Ada "&" Sons', email: "hello@studio.test" } },
  });
  const id = await outbox.queue();
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({
    status: "sent",
    providerMessageId: resend.taken[0]?.id,
    attempts: [{ provider: "resend", durationMs: expect.any(Number) as number }],
  });
  expect(resend.taken).toHaveLength(1);
  expect(resend.taken[0]).toMatchObject({
    key: id,
    email: {
      from: '"Ada \\"&\\" Sons" <mail@studio.test>',
      to: "ada@x.test",
      reply_to: "hello@studio.test",
      subject: "Mo invites you to Test Studio",
      tags: [{ name: "notification_id", value: id }],
    },
  });
  expect(resend.taken[0]?.email.text).toContain("https://x.test/invite");
  expect(resend.taken[0]?.email.html).toContain('href="https://x.test/invite"');
});

test("a provider that is down for an hour loses nothing, and each message arrives once", async () => {
  resend.down = { status: 503, name: "internal_server_error" };
  const id = await outbox.queue();
  await outbox.run();
  const began = Date.now();
  while (Date.now() - began < HOUR) {
    const { job, status } = await outbox.message(id);
    expect(status).toBe("queued");
    moveClock((job?.at ?? 0) - Date.now());
    await outbox.run();
  }
  expect(resend.taken).toHaveLength(0);
  resend.down = null;
  const { job } = await outbox.message(id);
  moveClock((job?.at ?? 0) - Date.now());
  await outbox.run();
  const sent = await outbox.message(id);
  expect(sent.status).toBe("sent");
  expect(sent.attempts.slice(0, -1).every(({ status }) => status === 503)).toBe(true);
  expect(sent.attempts.length).toBeLessThan(10);
  expect(resend.taken).toHaveLength(1);
});

test("a mail that is late by days has its attachment, though the file was deleted meanwhile", async () => {
  const { backend, organizationId, request } = outbox;
  const draft = (await request("POST", "/invoices", { body: invoice() })).body.data.id;
  resend.down = { status: 429, name: "rate_limit_exceeded" };
  const [id] = await backend.run(
    async (ctx) =>
      await queueMessages(ctx, organizationId, [
        {
          channel: "email",
          to: "ada@x.test",
          template: "invoice",
          language: "en",
          data: { recipient: "Ada", number: "1", organization: "Studio" },
          attachments: [{ objectId: draft as Id<"objects">, format: "pdf" }],
        },
      ]),
  );
  if (!id) throw new Error("Nothing was queued.");
  await outbox.run();
  expect((await outbox.message(id)).files).toHaveLength(1);
  moveClock(26 * HOUR);
  expect(await backend.mutation(internal.delivery.documentFiles.cleanUp, {})).toEqual({
    deleted: 1,
  });
  resend.down = null;
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("sent");
  expect(resend.taken).toHaveLength(1);
  expect(resend.taken[0]?.email.attachments).toHaveLength(1);
});

test("429 is waited for as long as Retry-After says", async () => {
  const headers = { "retry-after": "120" };
  resend.faults.push({ status: 429, name: "rate_limit_exceeded", headers });
  const id = await outbox.queue();
  await outbox.run();
  const { job } = await outbox.message(id);
  expect((job?.at ?? 0) - Date.now()).toBeGreaterThanOrEqual(120_000);
  moveClock(60_000);
  await outbox.run();
  expect(resend.requests).toBe(1);
  moveClock(61_000);
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("sent");
});

test("a message that was taken without an answer is asked for again, and sent once", async () => {
  resend.faults.push("taken, no answer");
  const id = await outbox.queue();
  await outbox.run();
  const { job, status } = await outbox.message(id);
  expect(status).toBe("queued");
  moveClock((job?.at ?? 0) - Date.now());
  await outbox.run();
  const sent = await outbox.message(id);
  expect(sent).toMatchObject({ status: "sent", providerMessageId: resend.taken[0]?.id });
  expect(resend.requests).toBe(2);
  expect(resend.taken).toHaveLength(1);
});

test("what the provider refuses has failed at once, with its reason", async () => {
  resend.faults.push({ status: 422, name: "validation_error" });
  const id = await outbox.queue();
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({
    status: "failed",
    reason: "validation_error: The test says validation_error.",
  });
  moveClock(24 * HOUR);
  await outbox.run();
  expect(resend.requests).toBe(1);
});

test("a failed message goes out again when a person says so, as a new one", async () => {
  resend.faults.push({ status: 422, name: "validation_error" });
  const id = await outbox.queue();
  await outbox.run();
  await outbox.message(id);
  const answer = await outbox.request("POST", `/notifications/${id}/resend`);
  expect(answer.status).toBe(201);
  await outbox.run();
  const again = answer.body.data.id as typeof id;
  expect(await outbox.message(again)).toMatchObject({ status: "sent", resendOf: id });
  expect((await outbox.message(id)).status).toBe("failed");
  expect(resend.taken.map(({ key }) => key)).toEqual([again]);
});

test("a message goes to another address of its channel, where a person names one", async () => {
  const { request } = outbox;
  const created = await request("POST", "/invoices", { body: invoice() });
  const sending = `/invoices/${created.body.data.id}/send`;
  const sent = await request("POST", sending, { body: { to: "ada@x.test" } });
  const [id] = (sent.body.data as unknown as { notificationIds: string[] }).notificationIds;
  await outbox.run();
  const path = `/notifications/${id ?? ""}/resend`;
  const phone = await request("POST", path, { body: { to: "+4930123456" } });
  expect(phone).toMatchObject({ status: 400, code: "VALIDATION_ERROR" });
  const again = await request("POST", path, { body: { to: "grace@x.test" } });
  expect(again.status, again.text).toBe(201);
  await outbox.run();
  expect(resend.taken.map(({ email }) => email.to)).toEqual(["ada@x.test", "grace@x.test"]);
});

test("a link that lets its reader in goes to no other address", async () => {
  resend.faults.push({ status: 422, name: "validation_error" });
  const id = await outbox.queue();
  await outbox.run();
  const body = { to: "grace@x.test" };
  const again = await outbox.request("POST", `/notifications/${id}/resend`, { body });
  expect(again).toMatchObject({ status: 409, code: "CONFLICT" });
});

test("30 messages a minute go out; more wait, and are not refused", async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, () => outbox.queue()));
  for (let turn = 0; turn < 6; turn++) await outbox.run();
  expect(resend.taken).toHaveLength(30);
  moveClock(MINUTE);
  for (let turn = 0; turn < 3; turn++) await outbox.run();
  for (const id of ids) expect((await outbox.message(id)).status).toBe("sent");
  expect(resend.taken).toHaveLength(40);
});

/** Begins an attempt as the sender does, and leaves it there: what a kill -9 leaves behind. */
async function beginAndDie(id: Awaited<ReturnType<Outbox["queue"]>>): Promise<void> {
  const begun = { notificationId: id, attempt: 0 };
  expect(await outbox.backend.mutation(internal.delivery.queue.begin, begun)).not.toBeNull();
}

test("an attempt that was cut off is asked for again within the key's life", async () => {
  const id = await outbox.queue({ to: "cut@x.test" });
  await beginAndDie(id);
  await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
  expect((await outbox.message(id)).status).toBe("sending");
  moveClock(6 * MINUTE);
  await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
  await outbox.run();
  expect((await outbox.message(id)).status).toBe("sent");
  expect(resend.taken).toHaveLength(1);
});

test("when the key may have died, nobody knows: it is shown and not repeated", async () => {
  const id = await outbox.queue();
  await beginAndDie(id);
  moveClock(25 * HOUR);
  await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({ status: "unknown" });
  expect(resend.requests).toBe(0);
});

test("two senders of one attempt: the second has nothing to do", async () => {
  const id = await outbox.queue();
  const attempt = { notificationId: id, attempt: 0 };
  const { backend } = outbox;
  await Promise.all([
    backend.action(internal.delivery.send.deliver, attempt),
    backend.action(internal.delivery.send.deliver, attempt),
  ]);
  await outbox.message(id);
  expect(resend.requests).toBe(1);
});

test("a clock that is set back holds no message and sends none twice", async () => {
  const id = await outbox.queue();
  moveClock(48 * HOUR);
  await beginAndDie(id);
  moveClock(-48 * HOUR);
  await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
  const { status } = await outbox.message(id);
  expect(status).toBe("unknown");
  expect(resend.requests).toBe(0);
});

test("an answer that comes after its lease has run out still counts", async () => {
  const id = await outbox.queue();
  await beginAndDie(id);
  moveClock(25 * HOUR);
  await outbox.backend.mutation(internal.jobs.recovery.recover, { kind: "message" });
  const outcome = { kind: "sent", providerMessageId: "late" } as const;
  const settle = { notificationId: id, attempt: 0, outcome };
  await outbox.backend.mutation(internal.delivery.queue.settle, settle);
  expect(await outbox.message(id)).toMatchObject({ status: "sent", providerMessageId: "late" });
});

test("a message whose attachment cannot be made is not sent, and says why", async () => {
  const { request, backend } = outbox;
  const created = await request("POST", "/invoices", { body: invoice() });
  const path = `/invoices/${created.body.data.id}/send`;
  const sent = await request("POST", path, { body: { to: "ada@x.test" } });
  const { notificationIds } = sent.body.data as unknown as { notificationIds: string[] };
  const id = await backend.run(async ({ db }) => {
    const messageId = db.normalizeId("notifications", notificationIds[0] ?? "");
    const objectId = db.normalizeId("objects", created.body.data.id);
    if (!messageId || !objectId) throw new Error("The message is missing.");
    // Deleted for good between the queueing and the sending.
    await db.delete("objects", objectId);
    return messageId;
  });
  await outbox.run();
  expect(await outbox.message(id)).toMatchObject({
    status: "failed",
    reason: expect.stringMatching(/^attachment: /) as string,
    attempts: [{ provider: "resend", error: expect.stringMatching(/^attachment: /) as string }],
  });
  expect(resend.requests).toBe(0);
  const shown = await request("GET", `/notifications/${id}`);
  expect(shown.body.data).toMatchObject({ status: "failed" });
  expect((shown.body.data as unknown as { reason: string }).reason).toContain("no such attachment");
});
