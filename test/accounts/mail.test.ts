// @vitest-environment node
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { queueAccountMail } from "../../convex/accounts/mail";
import { applyProviderEvent } from "../../convex/delivery/providerEvents";
import { moveClock } from "../delivery/outbox";
import { RESEND_ENV, type ResendServer, startResend } from "../delivery/resendServer";
import { logLines } from "../helpers/backend";
import { HOUR, type Mails, openMails, TOKEN } from "./mails";

/** Letters to people about their accounts: what is promised of each, by a provider that knows keys. */
const DAY = 24 * HOUR;
const MINUTE = 60_000;
const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString("base64");
const LINK = `https://app.test/reset-password#token=${TOKEN}`;

let resend: ResendServer;
let mails: Mails;

beforeEach(async () => {
  resend = await startResend();
  mails = await openMails({ ...RESEND_ENV, RESEND_BASE_URL: resend.url, ENCRYPTION_KEY });
});
afterEach(async () => {
  await resend.close();
});

async function everythingStored(): Promise<string> {
  const stored = await mails.backend.run(async ({ db }) => [
    await db.query("accountMails").collect(),
    await db.system.query("_scheduled_functions").collect(),
  ]);
  return inspect([stored, logLines()], { depth: Infinity, maxArrayLength: Infinity });
}

test("a link reaches its reader, and stands in no row, list or log", async () => {
  const id = await mails.reset();
  expect(await everythingStored()).not.toContain("very-secret");
  await mails.run();
  expect(resend.taken[0]?.email).toMatchObject({ to: "ada@x.test" });
  expect(resend.taken[0]?.email.text).toContain(LINK);
  expect(resend.taken[0]?.email.text).toContain("20 November 2026 at 12:00 (Europe/Berlin)");
  const sent = await mails.mail(id);
  expect(sent.job.state).toBe("succeeded");
  expect([sent.secretUrl, sent.tokenHash, sent.goodUntil]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(await everythingStored()).not.toContain("very-secret");
  expect(inspect(await mails.listed("succeeded"))).not.toContain("very-secret");
});

test("a letter is queued with its change, or not at all", async () => {
  const failing = mails.backend.run(async (ctx) => {
    const { userId } = mails;
    const who = { userId, to: "ada@x.test", language: "en" as const };
    await queueAccountMail(ctx, { ...who, template: "password_changed", data: {} });
    throw new Error("The change failed.");
  });
  await expect(failing).rejects.toThrow("The change failed.");
  await mails.run();
  expect(resend.requests).toBe(0);
  expect(await mails.listed("queued")).toEqual([]);
});

const changes: [string, string, () => Promise<unknown>][] = [
  [
    "its link was used",
    "Its link was used already.",
    async () => {
      await mails.backend.run(async ({ db }) => {
        const token = await db.query("oneTimeTokens").first();
        if (token) await db.patch("oneTimeTokens", token._id, { usedAt: Date.now() });
      });
    },
  ],
  [
    "its link is gone",
    "Its link is no longer good.",
    async () => {
      await mails.backend.run(async ({ db }) => {
        const token = await db.query("oneTimeTokens").first();
        if (token) await db.delete("oneTimeTokens", token._id);
      });
    },
  ],
  [
    "the account was deleted",
    "The account was deleted.",
    async () => {
      await mails.change({ deletedAt: Date.now() });
    },
  ],
  [
    "the account has another address",
    "The address is no longer the account's.",
    async () => {
      await mails.change({ email: "new@x.test", emailKey: "new@x.test" });
    },
  ],
];
test.each(changes)(
  "a letter is withdrawn when %s before it is sent",
  async (_what, why, change) => {
    resend.down = { status: 503, name: "internal_server_error" };
    const id = await mails.reset();
    await mails.run();
    resend.down = null;
    await change();
    moveClock(MINUTE);
    await mails.run();
    expect(resend.taken).toEqual([]);
    expect((await mails.mail(id)).secretUrl).toBeUndefined();
    expect(await mails.listed("cancelled")).toMatchObject([{ id, lastError: why }]);
  },
);

test("of two links of one purpose that wait, the later one is sent", async () => {
  resend.down = { status: 503, name: "internal_server_error" };
  const first = await mails.reset({ token: "fh_reset_first" });
  await mails.reset({ token: "fh_reset_second" });
  await mails.run();
  resend.down = null;
  moveClock(MINUTE);
  await mails.run();
  expect(resend.taken).toHaveLength(1);
  expect(resend.taken[0]?.email.text).toContain("fh_reset_second");
  const why = "A later link has taken its place.";
  expect(await mails.listed("cancelled")).toMatchObject([{ id: first, lastError: why }]);
});

test("a link that has expired is not sent, and is forgotten", async () => {
  resend.down = { status: 503, name: "internal_server_error" };
  const late = await mails.reset();
  await mails.run();
  resend.down = null;
  moveClock(2 * HOUR);
  const swept = await mails.backend.mutation(internal.accounts.mailRetention.cleanUp, {});
  expect(swept).toEqual({ forgotten: 1, deleted: 0 });
  await mails.run();
  expect(resend.taken).toEqual([]);
  const { job, secretUrl } = await mails.mail(late);
  expect([job.state, secretUrl]).toEqual(["expired", undefined]);
  expect(job.error).toContain("It was not sent while it was good.");
});

test("what happened is told though the account was deleted since", async () => {
  resend.down = { status: 503, name: "internal_server_error" };
  const { userId } = mails;
  await mails.backend.run(async (ctx) =>
    queueAccountMail(ctx, {
      ...{ userId, to: "old@x.test", language: "en", template: "email_change_notice" },
      data: { email: "thief@x.test" },
    }),
  );
  await mails.run();
  resend.down = null;
  await mails.change({ deletedAt: Date.now() });
  moveClock(MINUTE);
  await mails.run();
  expect(resend.taken[0]?.email.text).toContain("thief@x.test");
  // The address is not proved to be theirs any more, so nobody is greeted by name.
  expect(resend.taken[0]?.email.text).toContain("Hello,");
});

test("without a provider a letter waits with the reason, and leaves once there is one", async () => {
  vi.stubEnv("RESEND_API_KEY", "");
  const id = await mails.reset();
  await mails.sweep();
  const lastError = "No e-mail provider is set up: RESEND_API_KEY or SMTP_URL.";
  expect(await mails.listed("queued")).toMatchObject([{ id, lastError, nextAttemptAt: null }]);
  vi.stubEnv("RESEND_API_KEY", RESEND_ENV.RESEND_API_KEY);
  await mails.sweep();
  expect(resend.taken).toHaveLength(1);
  expect((await mails.mail(id)).job.state).toBe("succeeded");
});

async function prepared(id: Id<"accountMails">): Promise<number> {
  const { job } = await mails.mail(id);
  await mails.backend.run(async ({ db }) => {
    const held = {
      ...job,
      state: "running" as const,
      lease: job.lease + 1,
      at: Date.now() + MINUTE,
    };
    await db.patch("accountMails", id, { job: held });
  });
  return job.lease + 1;
}

/** Queued without its sender having been woken. */
async function asleep(): Promise<Id<"accountMails">> {
  vi.stubEnv("RESEND_API_KEY", "");
  const id = await mails.reset();
  vi.stubEnv("RESEND_API_KEY", RESEND_ENV.RESEND_API_KEY);
  return id;
}

test("an attempt that was cut off is repeated word for word under its key, and arrives once", async () => {
  const id = await asleep();
  const lease = await prepared(id);
  const begin = { mailId: id, lease, provider: "resend" as const };
  const begun = await mails.backend.mutation(internal.accounts.mailQueue.begin, begin);
  expect(begun).toMatchObject({ key: id, said: { recipient: "Ada" } });
  // Nobody begins twice under one lease.
  expect(await mails.backend.mutation(internal.accounts.mailQueue.begin, begin)).toBeNull();
  await mails.change({ name: "Ada Lovelace" });
  moveClock(6 * MINUTE);
  await mails.sweep();
  expect(resend.taken).toHaveLength(1);
  expect(resend.taken[0]?.key).toBe(id);
  expect(resend.taken[0]?.email.text).toContain("Hello Ada,");
  expect((await mails.mail(id)).job).toMatchObject({ state: "succeeded", attempts: 2 });
});

test("one whose sender died before the provider was asked is handed out again", async () => {
  const id = await asleep();
  const lease = await prepared(id);
  moveClock(2 * MINUTE);
  await mails.sweep();
  expect(resend.taken).toHaveLength(1);
  // The first one, should it live after all, has nothing to do any more.
  const late = { mailId: id, lease };
  expect(await mails.backend.mutation(internal.accounts.mailQueue.prepare, late)).toBeNull();
});

test("however many are due, ten are under way at a time, and all leave", async () => {
  for (let n = 0; n < 25; n++) {
    const { userId } = mails;
    const who = { userId, to: "ada@x.test", language: "de" as const };
    await mails.backend.run(async (ctx) =>
      queueAccountMail(ctx, { ...who, template: "password_changed", data: {} }),
    );
  }
  const waiting = await mails.backend.run(async ({ db }) => {
    const all = await db.query("accountMails").collect();
    return all.filter(({ job }) => job.state === "running").length;
  });
  expect(waiting).toBeLessThanOrEqual(10);
  await mails.run();
  expect(resend.taken).toHaveLength(25);
});

test("a refusal that quotes the link is kept without its token", async () => {
  resend.faults.push({ status: 422, name: "validation_error", message: `blocked: ${LINK}` });
  const id = await mails.reset();
  await mails.run();
  const [failed] = await mails.listed("failed");
  expect(failed).toMatchObject({ id, lastError: expect.stringContaining("blocked") as string });
  expect(await everythingStored()).not.toContain("very-secret");
});

test("administrators try a letter again while its link is good, and cancel one that waits", async () => {
  resend.faults.push({ status: 422, name: "validation_error" });
  const id = await mails.reset();
  await mails.run();
  const one = { kind: "account mail", id };
  await mails.backend.mutation(internal.jobs.administration.retry, one);
  await mails.run();
  expect(resend.taken[0]?.email.text).toContain(LINK);
  resend.faults.push({ status: 422, name: "validation_error" });
  const late = await mails.reset({ token: "fh_reset_late" });
  await mails.run();
  moveClock(2 * HOUR);
  await mails.backend.mutation(internal.accounts.mailRetention.cleanUp, {});
  const again = mails.backend.mutation(internal.jobs.administration.retry, { ...one, id: late });
  await expect(again).rejects.toThrow("no longer kept");
  const waiting = await asleep();
  await mails.backend.mutation(internal.jobs.administration.cancel, { ...one, id: waiting });
  expect((await mails.mail(waiting)).job).toMatchObject({ state: "cancelled" });
});

test("a letter that came back has failed, with its provider's reason, and one that arrived says when", async () => {
  const bounced = await mails.reset();
  await mails.run();
  const at = Date.now();
  const tell = async (id: Id<"accountMails">, event: object) =>
    await mails.backend.run(async (ctx) =>
      applyProviderEvent(ctx, {
        ...{ channel: "email", notificationId: id, providerMessageId: undefined, at },
        ...(event as { kind: "delivered" }),
      }),
    );
  await tell(bounced, { kind: "bounced", reason: "no such mailbox", isPermanent: true });
  const lastError = "bounced: no such mailbox";
  expect(await mails.listed("failed")).toMatchObject([{ id: bounced, lastError }]);
  const arrived = await mails.reset({ token: "fh_reset_next" });
  await mails.run();
  expect(await tell(arrived, { kind: "delivered" })).toEqual({ status: "applied" });
  expect(await mails.mail(arrived)).toMatchObject({ deliveredAt: at, job: { state: "succeeded" } });
});

test("what has ended is deleted after thirty days, and what waits is not", async () => {
  await mails.reset();
  await mails.run();
  moveClock(29 * DAY);
  const cleanUp = async () =>
    (await mails.backend.mutation(internal.accounts.mailRetention.cleanUp, {})).deleted;
  expect(await cleanUp()).toBe(0);
  moveClock(2 * DAY);
  expect(await cleanUp()).toBe(1);
});
