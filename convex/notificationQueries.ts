import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";
import { markAllRead as markAll, markRead as mark, unreadCount as count } from "./delivery/inbox";
import { under } from "./kit/errors";
import { callerIn, sessionArgument } from "./kit/live";
import { writeIn } from "./kit/liveWrites";
import { unauthorized } from "./kit/unauthorized";

/** The dashboard's inbox, live. */
const inboxArguments = { ...sessionArgument, organizationId: v.id("organizations") };

/** How many are unread: up to 99, and whether there are more. */
export const unreadCount = query({
  args: inboxArguments,
  handler: async (
    ctx,
    { sessionId, organizationId },
  ): Promise<{ unread: number; isMore: boolean }> => {
    const { caller } = await callerIn(ctx, sessionId, organizationId, "notifications:read");
    if (caller.kind !== "user") throw unauthorized("live");
    return await count(ctx, organizationId, caller.id);
  },
});

/** One's inbox, newest first. */
export const listInboxPaginated = query({
  args: { ...inboxArguments, paginationOpts: paginationOptsValidator },
  handler: async (
    ctx,
    { sessionId, organizationId, paginationOpts },
  ): Promise<PaginationResult<Doc<"notifications">>> => {
    const { caller } = await callerIn(ctx, sessionId, organizationId, "notifications:read");
    if (caller.kind !== "user") throw unauthorized("live");
    return await ctx.db
      .query("notifications")
      .withIndex("by_user", (q) => q.eq("organizationId", organizationId).eq("userId", caller.id))
      .order("desc")
      .paginate(paginationOpts);
  },
});

export const markRead = mutation({
  args: { ...inboxArguments, ids: v.array(v.string()) },
  handler: async (ctx, { sessionId, organizationId, ids }): Promise<{ marked: number }> =>
    await writeIn(
      ctx,
      sessionId,
      organizationId,
      "notifications:read",
      under(""),
      async ({ caller }) => {
        if (caller.kind !== "user") throw unauthorized("live");
        return await mark(ctx, organizationId, caller.id, ids);
      },
    ),
});

export const markAllRead = mutation({
  args: inboxArguments,
  handler: async (
    ctx,
    { sessionId, organizationId },
  ): Promise<{ marked: number; isComplete: boolean }> =>
    await writeIn(
      ctx,
      sessionId,
      organizationId,
      "notifications:read",
      under(""),
      async ({ caller }) => {
        if (caller.kind !== "user") throw unauthorized("live");
        return await markAll(ctx, organizationId, caller.id);
      },
    ),
});
