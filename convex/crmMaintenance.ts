import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation, type MutationCtx } from "./_generated/server";
import { deleteUpload } from "./kit/uploads";

/** What the CRM's jobs leave behind, deleted when nobody asks for it any more, a batch at a time. */
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const IMPORTS_KEPT = 90 * DAY;
/** As long as the tombstones of what was merged are kept: an erasure must find them. */
const MERGES_KEPT_AFTER = 60 * DAY;
const AT_ONCE = 200;
/** Each has what is wrong with a hundred rows. */
const RESULTS_AT_ONCE = 20;

export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ more: v.boolean() }),
  handler: async (ctx) => {
    const now = Date.now();
    const left = [
      await deleteUnclaimedUpload(ctx, now - HOUR),
      await deleteOldImport(ctx, "completed", now - IMPORTS_KEPT),
      await deleteOldImport(ctx, "failed", now - IMPORTS_KEPT),
      await deleteOldMerge(ctx, now - MERGES_KEPT_AFTER),
    ];
    const more = left.includes(true);
    if (more) await ctx.scheduler.runAfter(0, internal.crmMaintenance.cleanUp, {});
    return { more };
  },
});

async function deleteUnclaimedUpload(ctx: MutationCtx, before: number): Promise<boolean> {
  const upload = await ctx.db
    .query("uploads")
    .withIndex("by_createdAt", (q) => q.eq("isClaimed", false).lt("createdAt", before))
    .first();
  if (upload) await deleteUpload(ctx, upload._id);
  return upload !== null;
}

async function deleteOldImport(
  ctx: MutationCtx,
  status: "completed" | "failed",
  before: number,
): Promise<boolean> {
  const old = await ctx.db
    .query("contactImports")
    .withIndex("by_status", (q) => q.eq("status", status).lt("steppedAt", before))
    .first();
  if (!old) return false;
  const results = await ctx.db
    .query("contactImportResults")
    .withIndex("by_import", (q) => q.eq("importId", old._id))
    .take(RESULTS_AT_ONCE);
  const keys = await ctx.db
    .query("contactImportKeys")
    .withIndex("by_key", (q) => q.eq("importId", old._id))
    .take(AT_ONCE);
  for (const { _id } of results) await ctx.db.delete("contactImportResults", _id);
  for (const { _id } of keys) await ctx.db.delete("contactImportKeys", _id);
  if (results.length + keys.length === 0) await ctx.db.delete("contactImports", old._id);
  return true;
}

async function deleteOldMerge(ctx: MutationCtx, before: number): Promise<boolean> {
  const old = await ctx.db
    .query("contactMerges")
    .withIndex("by_undoUntil", (q) => q.lt("undoUntil", before))
    .first();
  if (!old) return false;
  const moves = await ctx.db
    .query("contactMergeMoves")
    .withIndex("by_merge", (q) => q.eq("mergeId", old._id))
    .take(AT_ONCE);
  for (const { _id } of moves) await ctx.db.delete("contactMergeMoves", _id);
  if (moves.length === 0) await ctx.db.delete("contactMerges", old._id);
  return true;
}
