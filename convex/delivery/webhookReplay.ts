import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation } from "../_generated/server";
import { enqueue } from "./webhookQueue";
import { wants } from "./webhooks";

const EVENTS_AT_ONCE = 200;
const MAX_BYTES = 4 * 1024 * 1024;

/** A page of a replay: the events of a span of time that the endpoint wants, oldest first. */
export const replay = internalMutation({
  args: {
    webhookId: v.id("webhooks"),
    from: v.number(),
    until: v.number(),
    cursor: v.union(v.string(), v.null()),
    traceId: v.string(),
  },
  returns: v.null(),
  handler: async (ctx, { cursor, ...args }) => {
    const { webhookId, from, until, traceId } = args;
    const webhook = await ctx.db.get("webhooks", webhookId);
    if (webhook?.status !== "active") return null;
    const { page, isDone, continueCursor } = await ctx.db
      .query("events")
      .withIndex("by_time", (q) =>
        q.eq("organizationId", webhook.organizationId).gte("at", from).lt("at", until),
      )
      .paginate({ numItems: EVENTS_AT_ONCE, cursor, maximumBytesRead: MAX_BYTES });
    const wanted = page.filter((event) => wants(webhook, event));
    await enqueue(
      ctx,
      webhook,
      wanted.map((event) => deliveryOf(event, traceId)),
    );
    if (!isDone) {
      const next = { ...args, cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.delivery.webhookReplay.replay, next);
    }
    return null;
  },
});

function deliveryOf(
  { _id: eventId, type: eventType }: Doc<"events">,
  traceId: string,
): { eventId: Doc<"events">["_id"]; eventType: string; traceId: string } {
  return { eventId, eventType, traceId };
}
