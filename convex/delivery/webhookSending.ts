import { getConvexSize, v, type Infer } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { systemScope } from "../tenancy";
import { delayAfter } from "./attempts";
import { announce } from "./following";
import { deliveryBody } from "./webhookBody";
import { arm, PARKED, queueOf, senderOf, wakeSender } from "./webhookQueue";
import { switchOff } from "./webhooks";

/**
 * The transactions of the sender (webhookSender.ts). It takes what is due, a few deliveries of each
 * endpoint, holds a lease on each while it tries, and tells the outcomes when it comes for more: one
 * transaction for many deliveries. A lease that ran out was interrupted (its attempt may have
 * arrived: receivers tell a repetition by `webhook-id`), and is tried again.
 */
type Delivery = Doc<"webhookDeliveries">;
type Webhook = Doc<"webhooks">;

/** An attempt ends within ten seconds; the rest is for the transactions around it. */
export const LEASE = 25_000;
/** The sender's own lease is renewed when this much of it is left. */
const RENEW_AT = 15_000;
/** So many at a time to one endpoint; to one that fails, or wants its order, one. */
const AT_ONCE_PER_ENDPOINT = 4;
/** Of the sender's room, so much for endpoints that fail: however many hang, the others get through. */
const ROOM_FOR_FAILING = 16;
const BYTES_AT_ONCE = 4 * 1024 * 1024;
const RECOVERED_AT_ONCE = 50;
/** An endpoint that has failed for so long is switched off. */
const GIVE_UP_AFTER = 5 * 24 * 60 * 60 * 1000;
const MAX_ERROR = 300;

export const outcome = v.object({
  id: v.id("webhookDeliveries"),
  /** How many attempts there were before: an outcome that comes after its lease counts no more. */
  attempt: v.number(),
  at: v.number(),
  durationMs: v.number(),
  status: v.optional(v.number()),
  error: v.optional(v.string()),
  /** What the receiver's `Retry-After` asks for, in milliseconds. */
  retryAfter: v.optional(v.number()),
});
export type SendOutcome = Infer<typeof outcome>;

export const job = v.object({
  id: v.id("webhookDeliveries"),
  attempt: v.number(),
  url: v.string(),
  /** `webhook-id`: the same for every attempt, resend and replay of one event. */
  messageId: v.string(),
  body: v.string(),
  /** Sealed; the current one, and the one before while both sign. */
  secrets: v.array(v.string()),
  isFailing: v.boolean(),
});
export type SendJob = Infer<typeof job>;

const exchanged = v.object({ jobs: v.array(job), isOver: v.boolean() });
type Exchanged = Infer<typeof exchanged>;

/**
 * Records outcomes and hands out what is due. `isOver` tells the run to end: another one runs, or
 * nothing is due and nothing of this one is under way; what is due later wakes the next.
 */
export const exchange = internalMutation({
  args: {
    run: v.string(),
    outcomes: v.array(outcome),
    /** How many more requests the run can keep under way. */
    room: v.number(),
    underWay: v.object({ all: v.number(), failing: v.number() }),
  },
  returns: exchanged,
  handler: async (ctx, { run, outcomes, room, underWay }): Promise<Exchanged> => {
    const now = Date.now();
    for (const result of outcomes) await recordOutcome(ctx, result, now);
    if (!(await holdsTheRole(ctx, run, now))) return { jobs: [], isOver: true };
    await recoverExpired(ctx, now);
    const jobs = await claim(ctx, room, ROOM_FOR_FAILING - underWay.failing, now);
    if (jobs.length > 0 || underWay.all > 0) {
      return { jobs, isOver: false };
    }
    await release(ctx);
    return { jobs, isOver: true };
  },
});

/** Ends a run that has had its time, and starts the next at once. */
export const handOver = internalMutation({
  args: { run: v.string(), outcomes: v.array(outcome) },
  returns: v.null(),
  handler: async (ctx, { run, outcomes }) => {
    const now = Date.now();
    for (const result of outcomes) await recordOutcome(ctx, result, now);
    const sender = await senderOf(ctx);
    if (sender.run === run) await release(ctx);
    return null;
  },
});

/**
 * Starts a sender where one should run and none does: it was interrupted. Scheduled with each run
 * for the end of its lease, and by a cron for what was lost altogether.
 */
export const watch = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const now = Date.now();
    const sender = await ctx.db.query("webhookSenders").first();
    if (sender?.run && sender.leaseUntil > now) {
      await ctx.scheduler.runAt(sender.leaseUntil, internal.delivery.webhookSending.watch, {});
      return null;
    }
    const at = await nextDueAt(ctx);
    if (at !== null) await wakeSender(ctx, Math.max(at, now));
    return null;
  },
});

/** One run at a time looks for work; it takes the role, and renews it. */
async function holdsTheRole(ctx: MutationCtx, run: string, now: number): Promise<boolean> {
  const sender = await senderOf(ctx);
  const isHeld = sender.run !== null && sender.leaseUntil > now;
  if (isHeld && sender.run !== run) return false;
  const leaseUntil = now + LEASE;
  if (sender.run !== run) {
    await ctx.db.patch("webhookSenders", sender._id, { run, leaseUntil, wakeAt: PARKED });
    await ctx.scheduler.runAt(leaseUntil, internal.delivery.webhookSending.watch, {});
  } else if (sender.leaseUntil - now < RENEW_AT) {
    await ctx.db.patch("webhookSenders", sender._id, { leaseUntil });
  }
  return true;
}

async function release(ctx: MutationCtx): Promise<void> {
  const sender = await senderOf(ctx);
  await ctx.db.patch("webhookSenders", sender._id, { run: null, leaseUntil: 0, wakeAt: PARKED });
  const at = await nextDueAt(ctx);
  if (at !== null) await wakeSender(ctx, Math.max(at, Date.now()));
}

/** When the next queue or the next interrupted delivery wants attention; null for never. */
async function nextDueAt(ctx: MutationCtx): Promise<number | null> {
  const times: number[] = [];
  for (const lane of LANES) {
    const first = await ctx.db
      .query("webhookQueues")
      .withIndex("by_due", (q) => q.eq("lane", lane).lt("dueAt", PARKED))
      .first();
    if (first) times.push(first.dueAt);
  }
  const leased = await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_lease", (q) => q.eq("status", "sending"))
    .first();
  if (leased) times.push(leased.leaseUntil ?? 0);
  return times.length === 0 ? null : Math.min(...times);
}

const LANES = ["healthy", "failing"] as const;

async function claim(
  ctx: MutationCtx,
  room: number,
  roomForFailing: number,
  now: number,
): Promise<SendJob[]> {
  const jobs: SendJob[] = [];
  let bytes = 0;
  for (const lane of LANES) {
    let left = room - jobs.length;
    if (lane === "failing") left = Math.min(left, roomForFailing);
    if (left <= 0) continue;
    const due = await ctx.db
      .query("webhookQueues")
      .withIndex("by_due", (q) => q.eq("lane", lane).lte("dueAt", now))
      .take(left);
    for (const queue of due) {
      if (left <= 0 || bytes > BYTES_AT_ONCE) break;
      const taken = await claimFrom(ctx, queue, left, now);
      jobs.push(...taken);
      left -= taken.length;
      bytes += taken.reduce((sum, { body }) => sum + getConvexSize(body), 0);
    }
  }
  return jobs;
}

async function claimFrom(
  ctx: MutationCtx,
  queue: Doc<"webhookQueues">,
  room: number,
  now: number,
): Promise<SendJob[]> {
  const webhook = await ctx.db.get("webhooks", queue.webhookId);
  if (!webhook) {
    await ctx.db.delete("webhookQueues", queue._id);
    return [];
  }
  const isSingle = webhook.ordered || queue.lane === "failing";
  const most = isSingle ? 1 : AT_ONCE_PER_ENDPOINT;
  const underWay = await inStatus(ctx, webhook._id, "sending", most);
  const free = webhook.status === "disabled" ? 0 : most - underWay.length;
  const taken = free <= 0 ? [] : await dueOf(ctx, webhook, Math.min(free, room), now);
  const jobs: SendJob[] = [];
  for (const delivery of taken) {
    const sending = await startSending(ctx, webhook, queue, delivery, now);
    if (sending) jobs.push(sending);
  }
  // With its hands full it waits for an outcome, which arms it again.
  const dueAt = jobs.length >= free ? PARKED : await nextOf(ctx, webhook, now);
  await ctx.db.patch("webhookQueues", queue._id, { dueAt });
  return jobs;
}

async function inStatus(
  ctx: MutationCtx,
  webhookId: Id<"webhooks">,
  status: Delivery["status"],
  most: number,
): Promise<Delivery[]> {
  return await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_status", (q) => q.eq("webhookId", webhookId).eq("status", status))
    .take(most);
}

/** What is due of an endpoint: of one that wants its order, the oldest or nothing. */
async function dueOf(
  ctx: MutationCtx,
  { _id: webhookId, ordered }: Webhook,
  most: number,
  now: number,
): Promise<Delivery[]> {
  if (ordered) {
    const oldest = await inStatus(ctx, webhookId, "pending", 1);
    return oldest.filter(({ dueAt }) => dueAt <= now);
  }
  return await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_due", (q) =>
      q.eq("webhookId", webhookId).eq("status", "pending").lte("dueAt", now),
    )
    .take(most);
}

async function nextOf(
  ctx: MutationCtx,
  { _id: webhookId, ordered }: Webhook,
  now: number,
): Promise<number> {
  const pending = ordered
    ? (await inStatus(ctx, webhookId, "pending", 1))[0]
    : await ctx.db
        .query("webhookDeliveries")
        .withIndex("by_due", (q) => q.eq("webhookId", webhookId).eq("status", "pending"))
        .first();
  // Not earlier than now, so that endpoints with much to catch up on take turns.
  return pending ? Math.max(pending.dueAt, now) : PARKED;
}

async function startSending(
  ctx: MutationCtx,
  webhook: Webhook,
  queue: Doc<"webhookQueues">,
  delivery: Delivery,
  now: number,
): Promise<SendJob | null> {
  const message = await deliveryBody(ctx, webhook, delivery);
  if (!message) {
    const lost = { at: now, durationMs: 0, error: "The event is kept no longer." };
    const attempts = [...delivery.attempts, lost];
    await ctx.db.patch("webhookDeliveries", delivery._id, { status: "failed", attempts });
    return null;
  }
  const sending = { status: "sending" as const, sendingSince: now, leaseUntil: now + LEASE };
  await ctx.db.patch("webhookDeliveries", delivery._id, sending);
  const { secret, previousSecret } = webhook;
  const isOverlapping = previousSecret !== undefined && previousSecret.until > now;
  return {
    id: delivery._id,
    attempt: delivery.attempts.length,
    url: webhook.url,
    ...message,
    secrets: isOverlapping ? [secret, previousSecret.secret] : [secret],
    isFailing: queue.lane === "failing",
  };
}

async function recoverExpired(ctx: MutationCtx, now: number): Promise<void> {
  const expired = await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_lease", (q) => q.eq("status", "sending").lte("leaseUntil", now))
    .take(RECOVERED_AT_ONCE);
  for (const { _id: id, attempts, sendingSince = now } of expired) {
    const error = "Interrupted: it may have arrived.";
    const lost = { at: sendingSince, durationMs: now - sendingSince, error };
    await recordOutcome(ctx, { id, attempt: attempts.length, ...lost }, now);
  }
}

async function recordOutcome(ctx: MutationCtx, result: SendOutcome, now: number): Promise<void> {
  const { id, attempt, at, durationMs, status, error, retryAfter } = result;
  const delivery = await ctx.db.get("webhookDeliveries", id);
  if (delivery?.status !== "sending" || delivery.attempts.length !== attempt) return;
  const webhook = await ctx.db.get("webhooks", delivery.webhookId);
  if (!webhook) return;
  const made = {
    at,
    durationMs,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error: error.slice(0, MAX_ERROR) }),
  };
  const attempts = [...delivery.attempts, made];
  const ended = { attempts, sendingSince: undefined, leaseUntil: undefined };
  if (error === undefined) {
    await ctx.db.patch("webhookDeliveries", id, { ...ended, status: "succeeded" });
    await recordHealth(ctx, webhook, null);
    return;
  }
  const wait = retryAfter === undefined ? {} : { retryAfter };
  const delay = status === 410 ? null : delayAfter(attempts.length, wait);
  const next =
    delay === null
      ? { status: "failed" as const }
      : { status: "pending" as const, dueAt: now + delay };
  await ctx.db.patch("webhookDeliveries", id, { ...ended, ...next });
  const failingSince = await recordHealth(ctx, webhook, at);
  if (status === 410) await giveUp(ctx, webhook, "The receiver answered 410 Gone.");
  else if (now - failingSince >= GIVE_UP_AFTER) {
    await giveUp(ctx, webhook, "Nothing has been delivered for five days.");
  }
}

/** Moves the endpoint to the lane it belongs to, and has its queue looked at again. */
async function recordHealth(
  ctx: MutationCtx,
  webhook: Webhook,
  failedAt: number | null,
): Promise<number> {
  const queue = await queueOf(ctx, webhook);
  const failingSince = failedAt === null ? undefined : (queue.failingSince ?? failedAt);
  const lane = failedAt === null ? "healthy" : "failing";
  if (lane !== queue.lane || failingSince !== queue.failingSince) {
    await ctx.db.patch("webhookQueues", queue._id, { lane, failingSince });
  }
  await arm(ctx, webhook, Date.now());
  return failingSince ?? Number.POSITIVE_INFINITY;
}

async function giveUp(ctx: MutationCtx, webhook: Webhook, reason: string): Promise<void> {
  const { organizationId } = webhook;
  const scope = systemScope(organizationId, "webhooks");
  if (!(await switchOff(ctx, scope, webhook, reason))) return;
  await announce(ctx, organizationId, new Set(["webhook.disabled"]));
}
