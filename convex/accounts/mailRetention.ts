import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { isOpen } from "../jobs/job";
import { expire, noLink } from "./mailSettling";

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const AT_ONCE = 200;

/**
 * Hourly: what was not sent while it was good ends, links that have expired are forgotten, and what has
 * ended is deleted after 30 days, a batch at a time.
 */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ forgotten: v.number(), deleted: v.number() }),
  handler: async (ctx): Promise<{ forgotten: number; deleted: number }> => {
    const now = Date.now();
    const forgotten = await forgetLinks(ctx, now);
    const old = await ctx.db
      .query("accountMails")
      .withIndex("by_createdAt", (q) => q.lt("createdAt", now - KEPT_MS))
      .take(AT_ONCE);
    const ended = old.filter(({ job }) => !isOpen(job));
    for (const { _id } of ended) await ctx.db.delete("accountMails", _id);
    if (forgotten === AT_ONCE || ended.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.accounts.mailRetention.cleanUp, {});
    }
    return { forgotten, deleted: ended.length };
  },
});

async function forgetLinks(ctx: MutationCtx, now: number): Promise<number> {
  const over = await ctx.db
    .query("accountMails")
    .withIndex("by_goodUntil", (q) => q.gt("goodUntil", 0).lte("goodUntil", now))
    .take(AT_ONCE);
  for (const mail of over) {
    if (mail.job.state === "queued") await expire(ctx, mail, now);
    // One that is under way ends with its attempt, and has its link in hands already.
    else await ctx.db.patch("accountMails", mail._id, noLink);
  }
  return over.length;
}
