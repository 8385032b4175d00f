import { v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { systemScope } from "../tenancy";
import { delayAfter } from "../jobs/backoff";
import { attemptFailed, holds, interrupted, succeeded } from "../jobs/job";
import type { Job } from "../schemas/jobSchemas";
import { announce } from "./following";
import { INTERRUPTED, jobOf, MAX_INTERRUPTIONS, sendingSince, withJob } from "./webhookJob";
import { queueOf } from "./webhookQueue";
import { switchOff } from "./webhooks";

/**
 * What becomes of attempts: each delivery succeeds, waits for its next attempt or has failed, and its
 * endpoint keeps to the lane of those that answer, or leaves it. Many outcomes are recorded at once,
 * each endpoint's together.
 */
/** An endpoint that has failed for so long is switched off. */
const GIVE_UP_AFTER = 5 * 24 * 60 * 60 * 1000;
const MAX_ERROR = 300;
const GONE = 410;
const GIVEN_UP = `Interrupted ${MAX_INTERRUPTIONS} times in a row: its receiver may be what ends the sender. Resend it once that is mended.`;

export const outcome = v.object({
  id: v.id("webhookDeliveries"),
  /** How many attempts there were before: an outcome that comes after its lease counts no more. */
  attempt: v.number(),
  /** Absent in what a run of before leases had numbers tells. */
  lease: v.optional(v.number()),
  at: v.number(),
  durationMs: v.number(),
  status: v.optional(v.number()),
  error: v.optional(v.string()),
  /** What the receiver's `Retry-After` asks for, in milliseconds. */
  retryAfter: v.optional(v.number()),
});
export type SendOutcome = Infer<typeof outcome>;
type Delivery = Doc<"webhookDeliveries">;

export async function recordOutcomes(
  ctx: MutationCtx,
  outcomes: readonly SendOutcome[],
  now: number,
): Promise<void> {
  const byEndpoint = new Map<Id<"webhooks">, SendOutcome[]>();
  for (const result of outcomes) {
    const delivery = await ctx.db.get("webhookDeliveries", result.id);
    if (delivery?.status !== "sending" || delivery.attempts.length !== result.attempt) continue;
    const job = jobOf(delivery);
    if (!holds(job, result.lease ?? job.lease)) continue;
    await recordAttempt(ctx, delivery, result, nextOf(job, result, now));
    const { webhookId } = delivery;
    byEndpoint.set(webhookId, [...(byEndpoint.get(webhookId) ?? []), result]);
  }
  for (const [webhookId, results] of byEndpoint) await recordHealth(ctx, webhookId, results, now);
}

/** What was under way when its sender was interrupted: its lease has ended. */
export async function interruptedAt(
  ctx: MutationCtx,
  now: number,
  most: number,
): Promise<Delivery[]> {
  return await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_job", (q) => q.eq("job.state", "running").lte("job.at", now))
    .take(most);
}

/** Records such deliveries as attempts that failed. */
export async function recordInterrupted(
  ctx: MutationCtx,
  deliveries: readonly Delivery[],
  now: number,
): Promise<void> {
  const byEndpoint = new Map<Id<"webhooks">, SendOutcome[]>();
  for (const delivery of deliveries) {
    const { _id: id, webhookId, attempts, sendingSince: ofBefore } = delivery;
    const job = jobOf(delivery);
    const delay = delayAfter(attempts.length + 1);
    const most = MAX_INTERRUPTIONS;
    const how = { most, error: INTERRUPTED, poisoned: GIVEN_UP, mayRepeat: true, delay };
    const next = interrupted(job, now, how);
    const at = Math.min(now, ofBefore ?? sendingSince(job));
    const error = next.error ?? INTERRUPTED;
    const result = { id, attempt: attempts.length, at, durationMs: now - at, error };
    await recordAttempt(ctx, delivery, result, next);
    byEndpoint.set(webhookId, [...(byEndpoint.get(webhookId) ?? []), result]);
  }
  for (const [webhookId, results] of byEndpoint) await recordHealth(ctx, webhookId, results, now);
}

function nextOf(job: Job, { status, error, retryAfter }: SendOutcome, now: number): Job {
  if (error === undefined) return succeeded(job, now);
  return attemptFailed(job, now, { error, retryAfter, isFinal: status === GONE });
}

async function recordAttempt(
  ctx: MutationCtx,
  delivery: Delivery,
  { at, durationMs, status, error }: SendOutcome,
  next: Job,
): Promise<void> {
  const made = {
    at,
    durationMs,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error: error.slice(0, MAX_ERROR) }),
  };
  await ctx.db.patch("webhookDeliveries", delivery._id, {
    attempts: [...delivery.attempts, made],
    status: statusOf(next),
    ...withJob(next),
  });
}

function statusOf({ state }: Job): Delivery["status"] {
  if (state === "queued") return "pending";
  return state === "succeeded" ? "succeeded" : "failed";
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
