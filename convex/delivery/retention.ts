import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { MAX_BYTES_REWRITTEN } from "../kit/page";
import { noSecret } from "./secretLink";
import { failAsExpired, withdraw } from "./settling";
import { ERASED } from "./subjects";
import { forgetAddress } from "./suppressions";

const DAY = 24 * 60 * 60 * 1000;
const KEPT = 365 * DAY;
const AT_ONCE = 200;

/** Daily: deletes messages and notifications that are a year old, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx): Promise<{ deleted: number }> => {
    const old = await ctx.db
      .query("notifications")
      .withIndex("by_createdAt", (q) => q.lt("createdAt", Date.now() - KEPT))
      .take(AT_ONCE);
    for (const { _id } of old) await ctx.db.delete("notifications", _id);
    if (old.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.delivery.retention.cleanUp, {});
    }
    return { deleted: old.length };
  },
});

/**
 * Hourly: forgets links that have expired; a letter that still waited for its turn, or for a provider,
 * has nothing to say any more.
 */
export const forgetLinks = internalMutation({
  args: {},
  returns: v.object({ forgotten: v.number() }),
  handler: async (ctx): Promise<{ forgotten: number }> => {
    const expired = await ctx.db
      .query("notifications")
      .withIndex("by_secret_expiry", (q) =>
        q.gt("secretExpiresAt", 0).lte("secretExpiresAt", Date.now()),
      )
      .take(AT_ONCE);
    for (const message of expired) {
      if (message.status === "queued") await failAsExpired(ctx, message);
      else await ctx.db.patch("notifications", message._id, noSecret);
    }
    if (expired.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.delivery.retention.forgetLinks, {});
    }
    return { forgotten: expired.length };
  },
});

/**
 * Blanks what went to a person who is erased, and what members were told of them, a page at a time, with what is known of their addresses;
 * what has not gone out stays here. One that is under way keeps its lease, and says how it ended.
 * Scheduled with the erasure.
 */
export const forgetPerson = internalMutation({
  args: { contactId: v.id("objects"), cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { contactId, cursor }) => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("notifications")
      .withIndex("by_contact", (q) => q.eq("contactId", contactId))
      .paginate({ numItems: AT_ONCE, cursor, maximumBytesRead: MAX_BYTES_REWRITTEN });
    for (const message of page) {
      const { _id, organizationId, channel, to, membershipId, status, attempts } = message;
      // What speaks of them to a member went to an address of that one's.
      const isTheirs = channel === "email" && membershipId === undefined;
      if (isTheirs && to !== undefined) await forgetAddress(ctx, organizationId, to);
      if (status === "queued") await withdraw(ctx, message, ERASED);
      await ctx.db.patch("notifications", _id, {
        ...(membershipId === undefined ? { to: undefined } : {}),
        data: {},
        ...noSecret,
        files: undefined,
        attachments: [],
        attempts: attempts.map(({ error: _error, ...rest }) => rest),
        ...(status === "queued" || channel === "in_app" ? {} : { reason: ERASED }),
        updatedAt: Date.now(),
      });
    }
    if (!isDone) {
      const rest = { contactId, cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.delivery.retention.forgetPerson, rest);
    }
    return null;
  },
});
