import { getConvexSize, v, type Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { asked, ended, leased } from "../jobs/job";
import { jobOf, LEASE, withJob } from "./webhookJob";
import { DeliveryBodies } from "./webhookBody";
import { PARKED } from "./webhookQueue";
import { signingSecrets } from "./webhookSecrets";

/** What of the queues is sent next: of each endpoint a few, the healthy ones first. */
type Delivery = Doc<"webhookDeliveries">;
type Webhook = Doc<"webhooks">;

/** So many at a time to one endpoint; to one that fails, or wants its order, one. */
const AT_ONCE_PER_ENDPOINT = 4;
const BYTES_AT_ONCE = 4 * 1024 * 1024;

export const job = v.object({
  id: v.id("webhookDeliveries"),
  attempt: v.number(),
  /** Under which it is sent. */
  lease: v.number(),
  url: v.string(),
  /** `webhook-id`: the same for every attempt, resend and replay of one event. */
  messageId: v.string(),
  body: v.string(),
  /** Sealed; the current one, and those before it while they sign too. */
  secrets: v.array(v.string()),
  isFailing: v.boolean(),
});
export type SendJob = Infer<typeof job>;

export const LANES = ["healthy", "failing"] as const;

/** Takes what is due under a lease, as far as there is room. */
export async function claim(
  ctx: MutationCtx,
  room: number,
  roomForFailing: number,
  now: number,
): Promise<SendJob[]> {
  const jobs: SendJob[] = [];
  const bodies = new DeliveryBodies(ctx);
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
      const taken = await claimFrom(ctx, queue, bodies, left, now);
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
  bodies: DeliveryBodies,
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
  const wanted = Math.max(0, Math.min(free, room));
  const waiting = await nextOf(ctx, webhook, wanted + 1);
  const due = waiting.slice(0, wanted).filter((delivery) => jobOf(delivery).at <= now);
  const jobs: SendJob[] = [];
  for (const delivery of due) {
    const sending = await startSending(ctx, webhook, queue, delivery, bodies, now);
    if (sending) jobs.push(sending);
  }
  const next = waiting[due.length];
  // With its hands full it waits for an outcome, which arms it again. Never earlier than now, so that
  // endpoints with much to catch up on take turns.
  const isFull = jobs.length >= free;
  const dueAt = isFull || !next ? PARKED : Math.max(jobOf(next).at, now);
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

/** What waits at an endpoint, as it comes due; where order is wanted, as it came. */
async function nextOf(
  ctx: MutationCtx,
  { _id: webhookId, ordered }: Webhook,
  most: number,
): Promise<Delivery[]> {
  if (ordered) return await inStatus(ctx, webhookId, "pending", most);
  return await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_due", (q) =>
      q.eq("webhookId", webhookId).eq("status", "pending").gte("job.at", 0),
    )
    .take(most);
}

async function startSending(
  ctx: MutationCtx,
  webhook: Webhook,
  queue: Doc<"webhookQueues">,
  delivery: Delivery,
  bodies: DeliveryBodies,
  now: number,
): Promise<SendJob | null> {
  const message = await bodies.of(webhook, delivery);
  const { _id: id, attempts } = delivery;
  const job = jobOf(delivery);
  if (!message) {
    const lost = { at: now, durationMs: 0, error: "The event is kept no longer." };
    const failed = withJob(ended(job, "failed", now, lost.error));
    const status = "failed" as const;
    await ctx.db.patch("webhookDeliveries", id, {
      status,
      ...failed,
      attempts: [...attempts, lost],
    });
    return null;
  }
  const held = asked(leased(job, now, LEASE), now, LEASE);
  await ctx.db.patch("webhookDeliveries", id, { status: "sending", ...withJob(held) });
  return {
    id,
    attempt: attempts.length,
    lease: held.lease,
    url: webhook.url,
    ...message,
    secrets: signingSecrets(webhook, now),
    isFailing: queue.lane === "failing",
  };
}
