import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { deletePieces } from "../kit/incomingPayload";

const DAY = 24 * 60 * 60 * 1000;
const DELIVERIES_KEPT = 30 * DAY;
const INCOMING_KEPT = 90 * DAY;
const DELETED_AT_ONCE = 500;
/** One may be of 4 MiB with its pieces, and Convex lets a transaction read 16. */
const INCOMING_DELETED_AT_ONCE = 3;

/** Deletes deliveries and incoming events that have had their time, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx): Promise<{ deleted: number }> => {
    const now = Date.now();
    const deliveries = await ctx.db
      .query("webhookDeliveries")
      .withIndex("by_createdAt", (q) => q.lt("createdAt", now - DELIVERIES_KEPT))
      .take(DELETED_AT_ONCE);
    const incoming = await ctx.db
      .query("incomingEvents")
      .withIndex("by_receivedAt", (q) => q.lt("receivedAt", now - INCOMING_KEPT))
      .take(INCOMING_DELETED_AT_ONCE);
    for (const { _id } of deliveries) await ctx.db.delete("webhookDeliveries", _id);
    for (const { _id } of incoming) {
      await deletePieces(ctx, _id);
      await ctx.db.delete("incomingEvents", _id);
    }
    if (deliveries.length === DELETED_AT_ONCE || incoming.length === INCOMING_DELETED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.delivery.maintenance.cleanUp, {});
    }
    return { deleted: deliveries.length + incoming.length };
  },
});

/** Deletes what an endpoint leaves behind that was deleted. */
export const deleteDeliveries = internalMutation({
  args: { webhookId: v.id("webhooks") },
  returns: v.null(),
  handler: async (ctx, { webhookId }) => {
    const deliveries = await ctx.db
      .query("webhookDeliveries")
      .withIndex("by_webhook", (q) => q.eq("webhookId", webhookId))
      .take(DELETED_AT_ONCE);
    for (const { _id } of deliveries) await ctx.db.delete("webhookDeliveries", _id);
    if (deliveries.length === DELETED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.delivery.maintenance.deleteDeliveries, {
        webhookId,
      });
      return null;
    }
    const queue = await ctx.db
      .query("webhookQueues")
      .withIndex("by_webhook", (q) => q.eq("webhookId", webhookId))
      .unique();
    if (queue) await ctx.db.delete("webhookQueues", queue._id);
    return null;
  },
});
