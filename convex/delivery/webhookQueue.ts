import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { NEVER, newJob, queuedAt } from "../jobs/job";
import { roleOf, withRole } from "./webhookJob";

/**
 * The queues of webhook deliveries, one per endpoint, and the one sender that walks them. Whoever
 * adds deliveries arms the endpoint's queue and wakes the sender, all in its own transaction.
 */
type Webhook = Pick<Doc<"webhooks">, "_id" | "organizationId" | "status">;
type Queue = Doc<"webhookQueues">;

/** A queue that has nothing due, or waits for an outcome that arms it again. */
export const PARKED = NEVER;
/** A wake-up that is this late was lost: it is set again. */
const LATE = 5000;

/** What is to be delivered, before anything has been tried. */
export type NewDelivery = Pick<
  Doc<"webhookDeliveries">,
  "eventId" | "eventType" | "traceId" | "resendOf"
>;

export async function enqueue(
  ctx: MutationCtx,
  webhook: Webhook,
  deliveries: readonly NewDelivery[],
): Promise<Id<"webhookDeliveries">[]> {
  const now = Date.now();
  const ids: Id<"webhookDeliveries">[] = [];
  const { _id: webhookId, organizationId } = webhook;
  for (const delivery of deliveries) {
    const id = await ctx.db.insert("webhookDeliveries", {
      ...delivery,
      organizationId,
      webhookId,
      status: "pending",
      job: newJob(now),
      attempts: [],
      createdAt: now,
    });
    ids.push(id);
  }
  if (ids.length === 0) return ids;
  await arm(ctx, webhook, now);
  await wakeSender(ctx, now);
  return ids;
}

export async function queueOf(ctx: MutationCtx, webhook: Webhook): Promise<Queue> {
  const { _id: webhookId, organizationId } = webhook;
  const found = await ctx.db
    .query("webhookQueues")
    .withIndex("by_webhook", (q) => q.eq("webhookId", webhookId))
    .unique();
  if (found) return found;
  const fresh = { organizationId, webhookId, lane: "healthy" as const, dueAt: PARKED };
  const queue = await ctx.db.get("webhookQueues", await ctx.db.insert("webhookQueues", fresh));
  if (!queue) throw new Error(`The queue of ${webhookId} vanished within its own transaction.`);
  return queue;
}

/** Has the sender look at the queue at `at`, or earlier where it will anyway; never one that is off. */
export async function arm(ctx: MutationCtx, webhook: Webhook, at: number): Promise<void> {
  if (webhook.status === "disabled") return;
  const queue = await queueOf(ctx, webhook);
  if (at < queue.dueAt) await ctx.db.patch("webhookQueues", queue._id, { dueAt: at });
}

export async function park(ctx: MutationCtx, webhook: Webhook): Promise<void> {
  const queue = await queueOf(ctx, webhook);
  if (queue.dueAt !== PARKED) await ctx.db.patch("webhookQueues", queue._id, { dueAt: PARKED });
}

/** A switched-on endpoint begins anew: its five days of failing start over. */
export async function resetQueue(ctx: MutationCtx, webhook: Webhook): Promise<void> {
  const queue = await queueOf(ctx, webhook);
  const dueAt = Date.now();
  const healthy = { lane: "healthy" as const, failingSince: undefined };
  await ctx.db.patch("webhookQueues", queue._id, { ...healthy, dueAt });
  await wakeSender(ctx, dueAt);
}

export async function senderOf(ctx: MutationCtx): Promise<Doc<"webhookSenders">> {
  const row = await ctx.db.query("webhookSenders").first();
  if (row) return row;
  const idle = { run: null, job: newJob(PARKED) };
  const sender = await ctx.db.get("webhookSenders", await ctx.db.insert("webhookSenders", idle));
  if (!sender) throw new Error("The sender's row vanished within its own transaction.");
  return sender;
}

/**
 * Sees to it that a sender runs at `at`. One that runs looks for what is due by itself until it ends,
 * and then does this for what is due later.
 */
export async function wakeSender(ctx: MutationCtx, at: number): Promise<void> {
  const now = Date.now();
  const sender = await senderOf(ctx);
  const role = roleOf(sender);
  const isRunning = role.state === "running" && role.at > now;
  const isSet = role.state === "queued" && role.at <= at && role.at > now - LATE;
  if (isRunning || isSet) return;
  await ctx.scheduler.runAt(at, internal.delivery.webhookSender.send, {});
  const free = { run: null, ...withRole(queuedAt(role, at)) };
  await ctx.db.patch("webhookSenders", sender._id, free);
}
