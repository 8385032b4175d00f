import { compareValues, type Infer, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { consume } from "../kit/limits";
import { attachment, messageSender, sentFile } from "../schemas/notificationSchemas";
import { admit } from "./admission";
import { handOut, handOutAgain, isInHands, keepInHands } from "./handout";
import { type Notification } from "./outbox";
import { outcomeValidator } from "./providers/message";
import { settleAttempt, settleInterrupted } from "./settling";

/**
 * The way of a message: `wake` hands it to an action (`send.deliver`), which reads what it says now
 * (`prepare`), makes its files, opens the way to the provider and only then begins an attempt under a
 * lease (`begin`), in whose transaction everything is read once more; it sends, and records how it went
 * (`settle`). What is interrupted before `begin` is simply handed out again (handout.ts); after it, see
 * settling.ts.
 */
const SENDS_PER_MINUTE = 30;
const AT_ONCE = 10;
const RECOVERED_AT_ONCE = 100;
const SECOND = 1000;
/** Longer than a provider may take to answer. */
const LEASE_MS = 5 * 60 * SECOND;

/** Hands out what is due, as far as 30 a minute allow, and wakes again for the rest. */
export const wake = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.null(),
  handler: async (ctx, { organizationId }) => {
    const now = Date.now();
    const due = await dueOf(ctx, organizationId, now, AT_ONCE);
    let waitFor = 0;
    for (const message of due) {
      if (message.jobId !== undefined) {
        // Its turn has been drawn already.
        if (await isInHands(ctx, message)) await keepInHands(ctx, message._id, now);
        else await handOutAgain(ctx, message, now);
        continue;
      }
      const wait = waitFor > 0 ? waitFor : await paceOf(ctx, organizationId);
      if (wait > 0) waitFor = wait;
      else await handOut(ctx, message, now);
    }
    const next = await nextDueAt(ctx, organizationId);
    await wakeAt(ctx, organizationId, next === null ? null : Math.max(next, now + waitFor), now);
    return null;
  },
});

const attemptArgs = { notificationId: v.id("notifications"), attempt: v.number() };
const providerName = v.union(v.literal("resend"), v.literal("smtp"), v.literal("whatsapp"));

const preparation = v.object({
  organizationId: v.id("organizations"),
  to: v.string(),
  provider: providerName,
  attachments: v.array(attachment),
  /** What an earlier attempt sent that may have arrived: the same files go out again. */
  files: v.optional(v.array(sentFile)),
  /** Still sealed. */
  secretUrl: v.optional(v.string()),
  basis: v.string(),
});
export type Preparation = Infer<typeof preparation>;

/** What has to be made before an attempt; null when there is nothing to do. */
export const prepare = internalMutation({
  args: attemptArgs,
  returns: v.union(preparation, v.null()),
  handler: async (ctx, { notificationId, attempt }): Promise<Preparation | null> => {
    const admitted = await admit(ctx, notificationId, attempt);
    if (!admitted) return null;
    const { message, provider, said, basis } = admitted;
    const { organizationId, to, secretUrl, files } = message;
    return {
      ...{ organizationId, to, provider, attachments: said.attachments, basis },
      ...(secretUrl === undefined ? {} : { secretUrl }),
      ...(admitted.isRepetition && files !== undefined ? { files } : {}),
    };
  },
});

const work = v.object({
  to: v.string(),
  template: v.string(),
  language: v.union(v.literal("en"), v.literal("de")),
  data: v.record(v.string(), v.string()),
  sender: messageSender,
  /** By which a provider knows a repetition: the same for attempts that send the same. */
  key: v.string(),
});
export type Work = Infer<typeof work>;

/**
 * Begins an attempt: from now on the provider may have been asked. Null when there is nothing to do
 * any more, `changed` when what was prepared is not what the message says now.
 */
export const begin = internalMutation({
  args: { ...attemptArgs, basis: v.optional(v.string()), files: v.optional(v.array(sentFile)) },
  returns: v.union(work, v.literal("changed"), v.null()),
  handler: async (
    ctx,
    { notificationId, attempt, basis, files = [] },
  ): Promise<Work | "changed" | null> => {
    const admitted = await admit(ctx, notificationId, attempt);
    if (!admitted) return null;
    const { message, organization, provider, said, isRepetition } = admitted;
    const { data, attachments } = said;
    if (attachments.length > 0 && !isRepetition && basis !== admitted.basis) return "changed";
    const sender = (isRepetition ? message.sender : undefined) ?? senderOf(organization);
    const revision = isRepetition
      ? (message.revision ?? 0)
      : revisionOf(message, { data, files, sender });
    const now = Date.now();
    await ctx.db.patch("notifications", notificationId, {
      status: "sending",
      ...{ data, attachments, files, sender, revision },
      attempts: [...message.attempts, { at: now, provider }],
      nextAttemptAt: undefined,
      interruptions: undefined,
      leasedUntil: now + LEASE_MS,
      updatedAt: now,
    });
    const { to, template, language } = message;
    const key = revision === 0 ? notificationId : `${notificationId}.${revision}`;
    return { to, template, language, data, sender, key };
  },
});

/** An attempt that ended before the provider could be asked: nothing has been sent. */
export const fallShort = internalMutation({
  args: { ...attemptArgs, at: v.number(), provider: providerName, outcome: outcomeValidator },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt, at, provider, outcome }) => {
    const message = await ctx.db.get("notifications", notificationId);
    if (message?.status !== "queued" || message.attempts.length !== attempt) return null;
    const attempts = [...message.attempts, { at, provider }];
    const begun = { status: "sending" as const, attempts, interruptions: undefined };
    await ctx.db.patch("notifications", notificationId, begun);
    await settleAttempt(ctx, { ...message, ...begun }, attempt, outcome);
    return null;
  },
});

/** Records how an attempt ended. */
export const settle = internalMutation({
  args: {
    notificationId: v.id("notifications"),
    attempt: v.number(),
    outcome: outcomeValidator,
  },
  returns: v.null(),
  handler: async (ctx, { notificationId, attempt, outcome }) => {
    const message = await ctx.db.get("notifications", notificationId);
    if (!message) return null;
    await settleAttempt(ctx, message, attempt, outcome);
    return null;
  },
});

/**
 * Every minute: takes up messages whose attempt was cut off (its action has ended without a word, or
 * its lease has run out), and wakes senders whose hour has passed
 * unused. A lease that lies further ahead than any lease can was given by a clock that has since been
 * set back.
 */
export const recover = internalMutation({
  args: {},
  returns: v.object({ interrupted: v.number(), woken: v.number() }),
  handler: async (ctx) => {
    const now = Date.now();
    const leased = (ahead: boolean) =>
      ctx.db
        .query("notifications")
        .withIndex("by_lease", (q) =>
          ahead
            ? q.eq("status", "sending").gt("leasedUntil", now + 2 * LEASE_MS)
            : q.eq("status", "sending").gt("leasedUntil", 0).lte("leasedUntil", now),
        )
        .take(RECOVERED_AT_ONCE);
    const sending = await ctx.db
      .query("notifications")
      .withIndex("by_lease", (q) => q.eq("status", "sending"))
      .take(RECOVERED_AT_ONCE);
    const ended: Notification[] = [];
    for (const message of sending) {
      if (message.jobId !== undefined && !(await isInHands(ctx, message))) ended.push(message);
    }
    const cut = [...ended, ...(await leased(false)), ...(await leased(true))];
    const interrupted = [...new Map(cut.map((message) => [message._id, message])).values()];
    for (const message of interrupted) await settleInterrupted(ctx, message);
    const late = await ctx.db
      .query("senders")
      .withIndex("by_wake", (q) => q.lt("nextWakeAt", now - 10 * SECOND))
      .take(RECOVERED_AT_ONCE);
    for (const { organizationId } of late) {
      await ctx.scheduler.runAfter(0, internal.delivery.queue.wake, { organizationId });
    }
    return { interrupted: interrupted.length, woken: late.length };
  },
});

async function dueOf(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  now: number,
  count: number,
): Promise<Notification[]> {
  return await ctx.db
    .query("notifications")
    .withIndex("by_due", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("status", "queued")
        .gt("nextAttemptAt", 0)
        .lte("nextAttemptAt", now),
    )
    .take(count);
}

async function nextDueAt(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<number | null> {
  const next = await ctx.db
    .query("notifications")
    .withIndex("by_due", (q) =>
      q.eq("organizationId", organizationId).eq("status", "queued").gt("nextAttemptAt", 0),
    )
    .first();
  return next?.nextAttemptAt ?? null;
}

/** Draws one send of the organization's 30 a minute: 0, or the milliseconds until there is one. */
async function paceOf(ctx: MutationCtx, organizationId: Id<"organizations">): Promise<number> {
  try {
    await consume(ctx, `sends:${organizationId}`, SENDS_PER_MINUTE);
    return 0;
  } catch (error) {
    const retryAfter = errorDataOf(error)?.retryAfter;
    if (retryAfter === undefined) throw error;
    return retryAfter * SECOND;
  }
}

/** Wakes the sender at that time, unless it wakes before then anyway; null when nothing waits. */
async function wakeAt(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  at: number | null,
  now: number,
): Promise<void> {
  const row = await ctx.db
    .query("senders")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
  if (at === null) {
    if (row && row.nextWakeAt <= now) await ctx.db.delete("senders", row._id);
    return;
  }
  if (row && row.nextWakeAt > now && row.nextWakeAt <= at) return;
  if (row) await ctx.db.patch("senders", row._id, { nextWakeAt: at });
  else await ctx.db.insert("senders", { organizationId, nextWakeAt: at });
  await ctx.scheduler.runAt(at, internal.delivery.queue.wake, { organizationId });
}

type Content = Pick<Notification, "data" | "files" | "sender">;

/** A text that has changed since an attempt which surely was not sent is another message to the provider. */
function revisionOf(message: Notification, content: Required<Content>): number {
  const { revision = 0, data, files, sender } = message;
  if (sender === undefined) return revision;
  const isSame = compareValues({ data, files, sender }, content) === 0;
  return isSame ? revision : revision + 1;
}

function senderOf({ name, sender }: Doc<"organizations">): Work["sender"] {
  const replyTo = sender?.replyTo ?? sender?.email;
  return { name: sender?.name ?? name, ...(replyTo === undefined ? {} : { replyTo }) };
}
