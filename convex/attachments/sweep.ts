import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { isClaimed } from "./claimants";

/** Whoever stores a file refers to it within seconds, or, after an upload, within a day. */
const CLAIMED_WITHIN = 25 * 60 * 60 * 1000;
const AT_ONCE = 200;

/**
 * Deletes stored files that nobody claimed: uploads that were never completed, and what an action
 * stored before it was interrupted. Each file is looked at once, in the order of their making.
 */
export const sweep = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx): Promise<{ deleted: number }> => {
    const state = await ctx.db.query("fileSweeps").first();
    const until = Date.now() - CLAIMED_WITHIN;
    const files = await ctx.db.system
      .query("_storage")
      .withIndex("by_creation_time", (q) =>
        q.gt("_creationTime", state?.sweptTo ?? 0).lt("_creationTime", until),
      )
      .take(AT_ONCE);
    let deleted = 0;
    for (const { _id } of files) {
      if (await isClaimed(ctx, _id)) continue;
      await ctx.storage.delete(_id);
      deleted += 1;
    }
    const sweptTo = files.at(-1)?._creationTime;
    if (sweptTo === undefined) return { deleted };
    if (state) await ctx.db.patch("fileSweeps", state._id, { sweptTo });
    else await ctx.db.insert("fileSweeps", { sweptTo });
    if (files.length === AT_ONCE) {
      await ctx.scheduler.runAfter(0, internal.attachments.sweep.sweep, {});
    }
    return { deleted };
  },
});
