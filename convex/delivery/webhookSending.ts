import { v, type Infer } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { leased, queuedAt } from "../jobs/job";
import { claim, job, LANES } from "./webhookClaims";
import { jobOf, LEASE, roleOf, withRole } from "./webhookJob";
import { interruptedAt, outcome, recordInterrupted, recordOutcomes } from "./webhookOutcomes";
import { PARKED, senderOf, wakeSender } from "./webhookQueue";

/**
 * The transactions of the sender (webhookSender.ts). It takes what is due, a few deliveries of each
 * endpoint, holds a lease on each while it tries, and tells the outcomes when it comes for more: one
 * transaction for many deliveries. A lease that ran out was interrupted (its attempt may have
 * arrived: receivers tell a repetition by `webhook-id`), and is tried again.
 */

/** The sender's own lease is renewed when this much of it is left. */
const RENEW_AT = 15_000;
/** Of the sender's room, so much for endpoints that fail: however many hang, the others get through. */
const ROOM_FOR_FAILING = 16;

const INTERRUPTED_AT_ONCE = 50;

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
    await recordOutcomes(ctx, outcomes, now);
    if (!(await holdsTheRole(ctx, run, now))) return { jobs: [], isOver: true };
    await recordInterrupted(ctx, await interruptedAt(ctx, now, INTERRUPTED_AT_ONCE), now);
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
    await recordOutcomes(ctx, outcomes, now);
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
    const role = sender && roleOf(sender);
    if (role?.state === "running" && role.at > now) {
      await ctx.scheduler.runAt(role.at, internal.delivery.webhookSending.watch, {});
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
  const role = roleOf(sender);
  const isHeld = role.state === "running" && role.at > now;
  if (isHeld && sender.run !== run) return false;
  if (isHeld && role.at - now >= RENEW_AT) return true;
  await ctx.db.patch("webhookSenders", sender._id, { run, ...withRole(leased(role, now, LEASE)) });
  if (sender.run !== run) {
    await ctx.scheduler.runAt(now + LEASE, internal.delivery.webhookSending.watch, {});
  }
  return true;
}

async function release(ctx: MutationCtx): Promise<void> {
  const sender = await senderOf(ctx);
  const free = { run: null, ...withRole(queuedAt(roleOf(sender), PARKED)) };
  await ctx.db.patch("webhookSenders", sender._id, free);
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
  const held = await ctx.db
    .query("webhookDeliveries")
    .withIndex("by_job", (q) => q.eq("job.state", "running"))
    .first();
  if (held) times.push(jobOf(held).at);
  return times.length === 0 ? null : Math.min(...times);
}
