import { v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { systemScope } from "../tenancy";
import { delayAfter } from "../jobs/backoff";
import { announce } from "./following";
import { queueOf } from "./webhookQueue";
import { switchOff } from "./webhooks";

/**
 * What becomes of attempts: each delivery succeeds, waits for its next attempt or has failed, and its
 * endpoint keeps to the lane of those that answer, or leaves it. Many outcomes are recorded at once,
 * each endpoint's together.
 */
const INTERRUPTED_AT_ONCE = 50;
/** An endpoint that has failed for so long is switched off. */
const GIVE_UP_AFTER = 5 * 24 * 60 * 60 * 1000;
const MAX_ERROR = 300;
const GONE = 410;
/** So many times in a row the sender may end while a delivery is under way: it may be what ends it. */
export const MAX_INTERRUPTIONS = 5;
const INTERRUPTED = "Interrupted: it may have arrived.";
const GIVEN_UP = `Interrupted ${MAX_INTERRUPTIONS} times in a row: its receiver may be what ends the sender. Resend it once that is mended.`;

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

export async function recordOutcomes(
  ctx: MutationCtx,
  outcomes: readonly SendOutcome[],
  now: number,
): Promise<void> {
  const byEndpoint = new Map<Id<"webhooks">, SendOutcome[]>();
  for (const result of outcomes) {
    const delivery = await ctx.db.get("webhookDeliveries", result.id);
    if (delivery?.status !== "sending" || delivery.attempts.length !== result.attempt) continue;
    await recordAttempt(ctx, delivery, result, now);
    const { webhookId } = delivery;
    byEndpoint.set(webhookId, [...(byEndpoint.get(webhookId) ?? []), result]);
  }
  for (const [webhookId, results] of byEndpoint) await recordHealth(ctx, webhookId, results, now);
}

/** Records as failed what was under way when its sender was interrupted. */
export async function recordInterrupted(ctx: MutationCtx, now: number): Promise<void> {
  const expired = await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_lease", (q) => q.eq("status", "sending").lte("leaseUntil", now))
    .take(INTERRUPTED_AT_ONCE);
  const outcomes = expired.map(({ _id: id, attempts, sendingSince: at = now }) => ({
    id,
    attempt: attempts.length,
    at,
    durationMs: now - at,
    error: interruptionsIn(attempts) + 1 < MAX_INTERRUPTIONS ? INTERRUPTED : GIVEN_UP,
  }));
  await recordOutcomes(ctx, outcomes, now);
}

/** Of the last attempts, how many were cut off. */
function interruptionsIn(attempts: Doc<"webhookDeliveries">["attempts"]): number {
  const last = attempts.findLastIndex(({ error }) => error !== INTERRUPTED);
  return attempts.length - 1 - last;
}

async function recordAttempt(
  ctx: MutationCtx,
  delivery: Doc<"webhookDeliveries">,
  { at, durationMs, status, error, retryAfter }: SendOutcome,
  now: number,
): Promise<void> {
  const made = {
    at,
    durationMs,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error: error.slice(0, MAX_ERROR) }),
  };
  const attempts = [...delivery.attempts, made];
  const ended = { attempts, sendingSince: undefined, leaseUntil: undefined };
  const wait = retryAfter === undefined ? {} : { retryAfter };
  const isFinal = status === GONE || error === GIVEN_UP;
  const delay = isFinal ? null : delayAfter(attempts.length, wait);
  const next =
    error === undefined
      ? { status: "succeeded" as const }
      : delay === null
        ? { status: "failed" as const }
        : { status: "pending" as const, dueAt: now + delay };
  await ctx.db.patch("webhookDeliveries", delivery._id, { ...ended, ...next });
}

/** Moves an endpoint to the lane that its last outcome says, and has its queue looked at again. */
async function recordHealth(
  ctx: MutationCtx,
  webhookId: Id<"webhooks">,
  outcomes: readonly SendOutcome[],
  now: number,
): Promise<void> {
  const webhook = await ctx.db.get("webhooks", webhookId);
  if (!webhook) return;
  const queue = await queueOf(ctx, webhook);
  let { failingSince } = queue;
  for (const { at, error } of outcomes) {
    failingSince = error === undefined ? undefined : (failingSince ?? at);
  }
  const lane = failingSince === undefined ? ("healthy" as const) : ("failing" as const);
  const dueAt = webhook.status === "disabled" ? queue.dueAt : Math.min(queue.dueAt, now);
  await ctx.db.patch("webhookQueues", queue._id, { lane, failingSince, dueAt });
  if (outcomes.some(({ status, error }) => status === GONE && error !== undefined)) {
    await giveUp(ctx, webhook, "The receiver answered 410 Gone.");
  } else if (failingSince !== undefined && now - failingSince >= GIVE_UP_AFTER) {
    await giveUp(ctx, webhook, "Nothing has been delivered for five days.");
  }
}

async function giveUp(ctx: MutationCtx, webhook: Doc<"webhooks">, reason: string): Promise<void> {
  const { organizationId } = webhook;
  const scope = systemScope(organizationId, "webhooks");
  if (!(await switchOff(ctx, scope, webhook, reason))) return;
  await announce(ctx, organizationId, new Set(["webhook.disabled"]));
}
