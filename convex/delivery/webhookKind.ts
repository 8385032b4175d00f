import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { cancelled, queuedAt } from "../jobs/job";
import { jobKind } from "../jobs/kind";
import type { Job } from "../schemas/jobSchemas";
import { systemScope } from "../tenancy";
import { jobOf, LEASE, withJob } from "./webhookJob";
import { recordInterrupted } from "./webhookOutcomes";
import { arm, wakeSender } from "./webhookQueue";
import { resend } from "./webhooks";

type Delivery = Doc<"webhookDeliveries">;

/** Deliveries of events to the endpoints that organizations have for them. */
export const webhookKind = jobKind({
  name: "webhook delivery",
  table: "webhookDeliveries",
  leaseMs: LEASE,
  byJob: (ctx, state, { from, to }) =>
    ctx.db
      .query("webhookDeliveries")
      .withIndex("by_job", (q) => q.eq("job.state", state).gte("job.at", from).lte("job.at", to)),
  jobOf,
  organizationOf: ({ organizationId }) => organizationId,
  createdAt: ({ createdAt }) => createdAt,
  write: async (ctx, { _id }, job) => {
    await ctx.db.patch("webhookDeliveries", _id, withJob(job));
  },
  // Its endpoint's queue and the sender, which walks the queues, may have been armed before.
  converted: async (ctx, delivery, { at }) => {
    await startAt(ctx, delivery, at);
  },
  interrupted: async (ctx, delivery, _job, now) => {
    await recordInterrupted(ctx, [delivery], now);
  },
  // What waits for long waits for its turn at its endpoint, or for that to be switched on.
  startLost: async (ctx) => {
    await ctx.scheduler.runAfter(0, internal.delivery.webhookSending.watch, {});
    return 0;
  },
  retry: async (ctx, delivery, job, now) => {
    if (delivery.status === "pending") await makeDue(ctx, delivery, job, now);
    else await resend(ctx, systemScope(delivery.organizationId, "webhooks"), delivery);
  },
  cancel: async (ctx, delivery, job, now) => {
    const next = cancelled(job, now);
    const status = next.state === "cancelled" ? ("failed" as const) : delivery.status;
    await ctx.db.patch("webhookDeliveries", delivery._id, { status, ...withJob(next) });
  },
  ofBefore: async (ctx, most) => {
    const inStatus = async (status: "pending" | "sending"): Promise<Delivery[]> =>
      await ctx.db
        .query("webhookDeliveries")
        .withIndex("of_before", (q) => q.eq("status", status).gt("dueAt", 0))
        .take(most);
    return [...(await inStatus("pending")), ...(await inStatus("sending"))];
  },
});

async function makeDue(ctx: MutationCtx, delivery: Delivery, job: Job, now: number): Promise<void> {
  await ctx.db.patch("webhookDeliveries", delivery._id, withJob(queuedAt(job, now)));
  await startAt(ctx, delivery, now);
}

/** Not at an endpoint that was deleted: its deliveries are on their way out. */
async function startAt(ctx: MutationCtx, { webhookId }: Delivery, at: number): Promise<void> {
  const webhook = await ctx.db.get("webhooks", webhookId);
  if (!webhook) return;
  await arm(ctx, webhook, at);
  await wakeSender(ctx, at);
}
