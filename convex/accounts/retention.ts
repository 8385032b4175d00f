import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, TableNames } from "../_generated/dataModel";
import { internalMutation } from "../_generated/server";
import { batchOf } from "../kit/page";
import { TOTP_BEGUN_MS } from "./totpSetup";
import { TRIES_COUNT_FOR_MS } from "./tries";

const DELETED_AT_ONCE = 500;
/** Where somebody was signed in from is kept as long as deliveries are. */
const ENDED_SESSIONS_KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Deletes tokens that have expired, sessions that ended a month ago, what was begun and not confirmed, and
 * tries that no longer count, a batch of each at a time.
 */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx) => {
    const { db } = ctx;
    const now = Date.now();
    const all = [
      await deleteSome(
        db.query("refreshTokens").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
        async ({ _id }) => {
          await db.delete("refreshTokens", _id);
        },
      ),
      await deleteSome(
        db.query("oneTimeTokens").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
        async ({ _id }) => {
          await db.delete("oneTimeTokens", _id);
        },
      ),
      await deleteSome(
        db.query("passkeyChallenges").withIndex("by_expiresAt", (q) => q.lt("expiresAt", now)),
        async ({ _id }) => {
          await db.delete("passkeyChallenges", _id);
        },
      ),
      await deleteSome(
        db
          .query("sessions")
          .withIndex("by_revokedAt", (q) =>
            q.gt("revokedAt", 0).lt("revokedAt", now - ENDED_SESSIONS_KEPT_MS),
          ),
        async ({ _id }) => {
          await db.delete("sessions", _id);
        },
      ),
      await deleteSome(
        db
          .query("passwordTries")
          .withIndex("by_since", (q) => q.lt("since", now - TRIES_COUNT_FOR_MS)),
        async ({ _id }) => {
          await db.delete("passwordTries", _id);
        },
      ),
      await deleteSome(
        db
          .query("factorTries")
          .withIndex("by_since", (q) => q.lt("since", now - TRIES_COUNT_FOR_MS)),
        async ({ _id }) => {
          await db.delete("factorTries", _id);
        },
      ),
      await deleteSome(
        db
          .query("totpSecrets")
          .withIndex("by_confirmedAt", (q) =>
            q.eq("confirmedAt", undefined).lt("createdAt", now - TOTP_BEGUN_MS),
          ),
        async ({ _id }) => {
          await db.delete("totpSecrets", _id);
        },
      ),
    ];
    if (all.some(({ isWhole }) => !isWhole)) {
      await ctx.scheduler.runAfter(0, internal.accounts.retention.cleanUp, {});
    }
    return { deleted: all.reduce((sum, { deleted }) => sum + deleted, 0) };
  },
});

async function deleteSome<Row extends Doc<TableNames>>(
  rows: AsyncIterable<Row>,
  remove: (row: Row) => Promise<void>,
): Promise<{ deleted: number; isWhole: boolean }> {
  const { batch, isWhole } = await batchOf(rows, DELETED_AT_ONCE);
  for (const row of batch) await remove(row);
  return { deleted: batch.length, isWhole };
}
