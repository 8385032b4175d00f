import { getConvexSize, v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { consumers } from "./consumers";
import { commitTsOf } from "./events";

/** Rows that one transaction writes for its consumers: far from Convex's 16,000 and its second. */
const ROWS_AT_ONCE = 1000;
const EVENTS_AT_ONCE = 200;
/** An event may be almost 1 MiB; Convex lets a transaction read 16. */
const BYTES_AT_ONCE = 4 * 1024 * 1024;

/**
 * Hands an organization's events, in commit order, to those who follow. The cursor moves in the
 * transaction that hands them on, so none is taken twice; a run that finds none is one range read,
 * so it does not matter how many are scheduled. It reads up to its own snapshot: what is being
 * written meanwhile does not conflict with it, and schedules a run of its own.
 */
export const dispatch = internalMutation({
  args: { organizationId: v.id("organizations") },
  returns: v.object({ events: v.number(), more: v.boolean() }),
  handler: async (ctx, { organizationId }): Promise<{ events: number; more: boolean }> => {
    const organization = await ctx.db.get("organizations", organizationId);
    if (!organization) return { events: 0, more: false };
    const cursor = await ctx.db
      .query("eventCursors")
      .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
      .unique();
    const most = await batchSize(ctx, organization);
    const { events, more } = await eventsAfter(ctx, organizationId, cursor, most);
    const last = events.at(-1);
    if (!last) return { events: 0, more: false };
    for (const consumer of consumers) await consumer.take(ctx, organization, events);
    const position = { commitTs: commitTsOf(last), creationTime: last._creationTime };
    if (cursor) await ctx.db.patch("eventCursors", cursor._id, position);
    else await ctx.db.insert("eventCursors", { organizationId, ...position });
    if (more) {
      await ctx.scheduler.runAfter(0, internal.delivery.dispatcher.dispatch, { organizationId });
    }
    return { events: events.length, more };
  },
});

async function batchSize(ctx: MutationCtx, organization: Doc<"organizations">): Promise<number> {
  let rows = 1;
  for (const consumer of consumers) rows += await consumer.rowsPerEvent(ctx, organization);
  return Math.max(1, Math.min(EVENTS_AT_ONCE, Math.floor(ROWS_AT_ONCE / rows)));
}

type Position = Pick<Doc<"eventCursors">, "commitTs" | "creationTime">;

/** The next events, first the rest of the transaction in which the last batch ended. */
async function eventsAfter(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  after: Position | null,
  most: number,
): Promise<{ events: Doc<"events">[]; more: boolean }> {
  const events: Doc<"events">[] = [];
  let bytes = 0;
  const ofSameCommit =
    after &&
    ctx.db
      .query("events")
      .withIndex("by_commit", (q) =>
        q
          .eq("organizationId", organizationId)
          .eq("commitTs", after.commitTs)
          .gt("_creationTime", after.creationTime),
      );
  const ofLaterCommits = ctx.db.query("events").withIndex("by_commit", (q) =>
    q
      .eq("organizationId", organizationId)
      .gt("commitTs", after?.commitTs ?? 0n)
      .lte("commitTs", ctx.meta.getSnapshotTs()),
  );
  for (const range of [ofSameCommit, ofLaterCommits]) {
    if (!range) continue;
    for await (const event of range) {
      if (events.length === most || bytes > BYTES_AT_ONCE) return { events, more: true };
      events.push(event);
      bytes += getConvexSize(event);
    }
  }
  return { events, more: false };
}
