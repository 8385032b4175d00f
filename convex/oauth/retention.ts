import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";

const DELETED_AT_ONCE = 500;

/** Deletes what remembers sign-ins whose ten minutes are over, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const over = await ctx.db
      .query("oauthStates")
      .withIndex("by_expiresAt", (q) => q.lt("expiresAt", Date.now()))
      .take(DELETED_AT_ONCE);
    for (const { _id } of over) await ctx.db.delete("oauthStates", _id);
    if (over.length === DELETED_AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.oauth.retention.cleanUp, {});
    }
    return { deleted: over.length };
  },
});
