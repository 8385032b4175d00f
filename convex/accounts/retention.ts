import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { batchOf } from "../kit/page";
import { TOTP_BEGUN_MS } from "./totpSetup";
import { TRIES_COUNT_FOR_MS } from "./tries";

const DELETED_AT_ONCE = 500;

/** Deletes tokens that have expired, what was begun and not confirmed, and tries that no longer count, a batch at a time. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const now = Date.now();
    const refreshTokens = await batchOf(
      ctx.db.query("refreshTokens").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
      DELETED_AT_ONCE,
    );
    const oneTimeTokens = await batchOf(
      ctx.db.query("oneTimeTokens").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
      DELETED_AT_ONCE,
    );
    const tries = await batchOf(
      ctx.db
        .query("passwordTries")
        .withIndex("by_since", (q) => q.lt("since", now - TRIES_COUNT_FOR_MS)),
      DELETED_AT_ONCE,
    );
    const wrongCodes = await batchOf(
      ctx.db
        .query("factorTries")
        .withIndex("by_since", (q) => q.lt("since", now - TRIES_COUNT_FOR_MS)),
      DELETED_AT_ONCE,
    );
    const begun = await batchOf(
      ctx.db
        .query("totpSecrets")
        .withIndex("by_confirmedAt", (q) =>
          q.eq("confirmedAt", undefined).lt("createdAt", now - TOTP_BEGUN_MS),
        ),
      DELETED_AT_ONCE,
    );
    const challenges = await batchOf(
      ctx.db.query("passkeyChallenges").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
      DELETED_AT_ONCE,
    );
    for (const { _id } of refreshTokens.batch) await ctx.db.delete("refreshTokens", _id);
    for (const { _id } of oneTimeTokens.batch) await ctx.db.delete("oneTimeTokens", _id);
    for (const { _id } of tries.batch) await ctx.db.delete("passwordTries", _id);
    for (const { _id } of wrongCodes.batch) await ctx.db.delete("factorTries", _id);
    for (const { _id } of begun.batch) await ctx.db.delete("totpSecrets", _id);
    for (const { _id } of challenges.batch) await ctx.db.delete("passkeyChallenges", _id);
    const all = [refreshTokens, oneTimeTokens, tries, wrongCodes, begun, challenges];
    if (all.some(({ isWhole }) => !isWhole)) {
      await ctx.scheduler.runAfter(0, internal.accounts.retention.cleanUp, {});
    }
    return { deleted: all.reduce((sum, { batch }) => sum + batch.length, 0) };
  },
});
