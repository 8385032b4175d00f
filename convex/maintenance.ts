import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation, internalQuery } from "./_generated/server";
import { batchOf } from "./kit/page";
import { foldCounts as fold } from "./ontology/counts";

/** What nobody waits for: folding counts, and deleting what has had its time. */
const DAY = 24 * 60 * 60 * 1000;
const EVENTS_KEPT = 90 * DAY;
const IDLE_ADDRESSES_KEPT = DAY;
const DELETED_AT_ONCE = 500;

/** Takes up pending count deltas; goes on at once while there are more than one transaction's worth. */
export const foldCounts = internalMutation({
  args: {},
  returns: v.object({ folded: v.number(), more: v.boolean() }),
  handler: async (ctx) => {
    const result = await fold(ctx);
    if (result.more) await ctx.scheduler.runAfter(0, internal.maintenance.foldCounts, {});
    return result;
  },
});

/** How many count deltas wait for a fold: what `npm run bench` reports as the backlog. */
export const pendingCounts = internalQuery({
  args: {},
  returns: v.number(),
  handler: async (ctx) => (await ctx.db.query("countDeltas").take(10_000)).length,
});

/** Deletes expired idempotency records, old events and idle addresses' buckets, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const now = Date.now();
    const records = await batchOf(
      ctx.db.query("idempotencyRecords").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
      DELETED_AT_ONCE,
    );
    const events = await batchOf(
      ctx.db
        .query("events")
        .withIndex("by_creation_time", (q) => q.lt("_creationTime", now - EVENTS_KEPT)),
      DELETED_AT_ONCE,
    );
    const buckets = await batchOf(
      ctx.db
        .query("rateLimits")
        .withIndex("by_updatedAt", (q) =>
          q.eq("isAddress", true).lt("updatedAt", now - IDLE_ADDRESSES_KEPT),
        ),
      DELETED_AT_ONCE,
    );
    for (const { _id } of records.batch) await ctx.db.delete("idempotencyRecords", _id);
    for (const { _id } of events.batch) await ctx.db.delete("events", _id);
    for (const { _id } of buckets.batch) await ctx.db.delete("rateLimits", _id);
    const all = [records, events, buckets];
    if (all.some(({ isWhole }) => !isWhole)) {
      await ctx.scheduler.runAfter(0, internal.maintenance.cleanUp, {});
    }
    const batches = all.map(({ batch }) => batch.length);
    return { deleted: batches.reduce((a, b) => a + b, 0) };
  },
});
