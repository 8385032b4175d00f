import type { NamedTableInfo, Query } from "convex/server";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { forgetComment, forgetFollows } from "../comments/forgetting";
import { forgetTeam } from "../team/sightRows";

/** What sync keeps for a time, and what is taken away when that is over. */
const DAY = 24 * 60 * 60 * 1000;
export const TOMBSTONES_KEPT = 90 * DAY;
const DECISIONS_KEPT = 90 * DAY;
const LOGS_KEPT = 30 * DAY;
const DELETED_AT_ONCE = 200;
/** Conflicts of one object that go with it at once. */
const MOST_CONFLICTS = 20;

/** Takes away a batch of what has had its time; goes on at once while there is more. */
export const cleanUp = internalMutation({
  args: {},
  returns: v.object({ deleted: v.number() }),
  handler: async (ctx): Promise<{ deleted: number }> => {
    const now = Date.now();
    const tombstones = await ctx.db
      .query("tombstones")
      .withIndex("by_deletedAt", (q) => q.lt("deletedAt", now - TOMBSTONES_KEPT))
      .take(DELETED_AT_ONCE);
    const decisions = await ctx.db
      .query("syncedChanges")
      .withIndex("by_decidedAt", (q) => q.lt("decidedAt", now - DECISIONS_KEPT))
      .take(DELETED_AT_ONCE);
    const logs = await ctx.db
      .query("syncLogs")
      .withIndex("by_at", (q) => q.lt("at", now - LOGS_KEPT))
      .take(DELETED_AT_ONCE);
    for (const tombstone of tombstones) await forget(ctx, tombstone);
    for (const { _id } of decisions) await ctx.db.delete("syncedChanges", _id);
    for (const { _id } of logs) await ctx.db.delete("syncLogs", _id);
    const batches = [tombstones, decisions, logs].map((batch) => batch.length);
    if (batches.includes(DELETED_AT_ONCE)) {
      await ctx.scheduler.runAfter(0, internal.sync.tombstones.cleanUp, {});
    }
    return { deleted: batches.reduce((a, b) => a + b, 0) };
  },
});

async function forget(ctx: MutationCtx, tombstone: Doc<"tombstones">): Promise<void> {
  const { organizationId, objectId } = tombstone;
  const object = await ctx.db.get("objects", objectId);
  const conflicts = await conflictsOf(ctx, objectId).take(MOST_CONFLICTS);
  for (const { _id } of conflicts) await ctx.db.delete("conflictLogs", _id);
  // The tombstone stays for the next round, which takes more of them.
  if (conflicts.length === MOST_CONFLICTS) return;
  if (object?.type === "project" && !(await forgetTeam(ctx, organizationId, objectId))) return;
  if (object?.type === "comment" && !(await forgetComment(ctx, objectId))) return;
  if (!(await forgetFollows(ctx, organizationId, objectId))) return;
  const aliases = ctx.db
    .query("clientIds")
    .withIndex("by_object", (q) => q.eq("objectId", objectId));
  for (const { _id } of await aliases.collect()) await ctx.db.delete("clientIds", _id);
  if (object?.lifecycle === "deleted") {
    await moveHorizon(ctx, organizationId, object);
    await ctx.db.delete("objects", objectId);
    const attached = { organizationId, ownerId: objectId, isErased: false };
    await ctx.scheduler.runAfter(0, internal.attachments.removal.removeOfOwner, attached);
  }
  await ctx.db.delete("tombstones", tombstone._id);
}

/** What is said of a person who is erased is said of them in conflicts too. */
export async function forgetConflicts(ctx: MutationCtx, objectId: Id<"objects">): Promise<void> {
  for await (const { _id } of conflictsOf(ctx, objectId)) {
    await ctx.db.delete("conflictLogs", _id);
  }
}

async function moveHorizon(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { commitTs }: Doc<"objects">,
): Promise<void> {
  if (typeof commitTs !== "bigint") throw new Error("A tombstone is not committed yet.");
  const horizon = await ctx.db
    .query("syncHorizons")
    .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
    .unique();
  if (!horizon) await ctx.db.insert("syncHorizons", { organizationId, commitTs });
  else if (horizon.commitTs < commitTs) {
    await ctx.db.patch("syncHorizons", horizon._id, { commitTs });
  }
}

function conflictsOf(
  ctx: MutationCtx,
  objectId: Id<"objects">,
): Query<NamedTableInfo<DataModel, "conflictLogs">> {
  return ctx.db.query("conflictLogs").withIndex("by_object", (q) => q.eq("objectId", objectId));
}
