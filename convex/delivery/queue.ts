import { type Infer, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import { consume } from "../kit/limits";
import { attachment, outboundChannel, sentFile } from "../schemas/notificationSchemas";
import { type Notification } from "./outbox";
import { configuredFor } from "./providers/configured";
import { outcomeValidator } from "./providers/message";
import { isExpired } from "./secretLink";
import { fail, failAsExpired, settleAttempt, settleInterrupted } from "./settling";
import { findSuppression } from "./suppressions";

/**
 * The way of a message: `wake` hands it to an action (`send.deliver`), which begins an attempt under
 * a lease (`begin`), sends, and records how it went (`settle`). What is interrupted on the way is taken
 * up again by `recover`: before `begin` nothing can have been sent; after it, see settling.ts.
 */
const SENDS_PER_MINUTE = 30;
const AT_ONCE = 10;
const RECOVERED_AT_ONCE = 100;
const SECOND = 1000;
/** Until when an action that was started has begun; else the message is handed out anew. */
const HANDOUT_MS = 2 * 60 * SECOND;
/** Longer than an attempt may take, with its PDF. */
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
      const wait = await paceOf(ctx, organizationId);
      if (wait > 0) {
        waitFor = wait;
        break;
      }
      const notificationId = message._id;
      const attempt = message.attempts.length;
      await ctx.db.patch("notifications", notificationId, { nextAttemptAt: now + HANDOUT_MS });
      await ctx.scheduler.runAfter(0, internal.delivery.send.deliver, { notificationId, attempt });
    }
    const next = await nextDueAt(ctx, organizationId);
    await wakeAt(ctx, organizationId, next === null ? null : Math.max(next, now + waitFor), now);
    return null;
  },
});

const work = v.object({
  organizationId: v.id("organizations"),
  channel: outboundChannel,
  to: v.string(),
  template: v.string(),
  language: v.union(v.literal("en"), v.literal("de")),
  data: v.record(v.string(), v.string()),
  /** Still sealed. */
  secretUrl: v.optional(v.string()),
  attachments: v.array(attachment),
  files: v.optional(v.array(sentFile)),
  sender: v.object({ name: v.string(), replyTo: v.optional(v.string()) }),
  provider: v.union(v.literal("resend"), v.literal("smtp"), v.literal("whatsapp")),
});
export type Work = Infer<typeof work>;

/** Begins an attempt, or null when there is nothing to do: another has begun it, or it may not go out. */
export const begin = internalMutation({
  args: { notificationId: v.id("notifications"), attempt: v.number() },
  returns: v.union(work, v.null()),
  handler: async (ctx, { notificationId, attempt }): Promise<Work | null> => {
    const message = await ctx.db.get("notifications", notificationId);
    if (message?.status !== "queued" || message.attempts.length !== attempt) return null;
    const { organizationId, channel, to, template, language, data, attachments } = message;
    const organization = await ctx.db.get("organizations", organizationId);
    if (channel === "in_app" || to === undefined || !organization) return null;
    const suppression = channel === "email" && (await findSuppression(ctx, organizationId, to));
    if (suppression) {
      await fail(ctx, message, "failed", `suppressed: ${suppression.reason}`);
      return null;
    }
    const now = Date.now();
    if (isExpired(message, now)) {
      await failAsExpired(ctx, message);
      return null;
    }
    const configured = configuredFor(channel);
    if ("missing" in configured) {
      const kept = { nextAttemptAt: undefined, reason: configured.missing, updatedAt: now };
      await ctx.db.patch("notifications", notificationId, kept);
      return null;
    }
    const { provider } = configured;
    await ctx.db.patch("notifications", notificationId, {
      status: "sending",
      attempts: [...message.attempts, { at: now, provider }],
      nextAttemptAt: undefined,
      leasedUntil: now + LEASE_MS,
      updatedAt: now,
    });
    const { secretUrl, files } = message;
    const letter = { organizationId, channel, to, template, language, data, attachments };
    const known = {
      ...(secretUrl === undefined ? {} : { secretUrl }),
      ...(files === undefined ? {} : { files }),
    };
    return { ...letter, ...known, sender: senderOf(organization), provider };
  },
});

/**
 * Keeps which files are sent, before the provider is asked: an attempt that is repeated after a kill
 * must send the same bytes under its key, though the document may have a later edition by then.
 */
export const keepFiles = internalMutation({
  args: { notificationId: v.id("notifications"), files: v.array(sentFile) },
  returns: v.null(),
  handler: async (ctx, { notificationId, files }) => {
    const message = await ctx.db.get("notifications", notificationId);
    if (message) await ctx.db.patch("notifications", notificationId, { files });
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
 * Every minute: takes up messages whose attempt was cut off, and wakes senders whose hour has passed
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
    const interrupted = [...(await leased(false)), ...(await leased(true))];
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

function senderOf({ name, sender }: Doc<"organizations">): Work["sender"] {
  const replyTo = sender?.replyTo ?? sender?.email;
  return { name: sender?.name ?? name, ...(replyTo === undefined ? {} : { replyTo }) };
}
