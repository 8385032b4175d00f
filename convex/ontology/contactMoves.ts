import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { idOfAnyTenant } from "../kit/own";
import { returnAttachment } from "../attachments/merging";
import type { ObjectDoc } from "./registry";
import { type References, referencesTo, type Relinked, relink, relinkBack } from "./relink";
import type { ObjectStore } from "./store";

/** What a merge of contacts moves, one at a time, and how it comes back (contactMerge.ts). */
export type Move = { objectId: Id<"objects">; references?: References };

/** Lets an object name the target where it names the source. */
export async function move(
  ctx: MutationCtx,
  store: ObjectStore,
  objectId: Id<"objects">,
  from: Id<"objects">,
  to: Id<"objects">,
): Promise<Move> {
  const object = await livingObject(ctx, objectId);
  if (!object) return { objectId };
  await relink(store, object, from, to);
  return { objectId, references: referencesTo(object, [from, to]) };
}

/** What was deleted meanwhile refers to nothing. */
async function livingObject(ctx: MutationCtx, id: Id<"objects">): Promise<ObjectDoc | null> {
  const object = await ctx.db.get("objects", id);
  return object && object.lifecycle !== "deleted" ? object : null;
}

/** Lets what a merge moved name its source again, as far as it still does name the target. */
export async function moveOneBack(
  ctx: MutationCtx,
  store: ObjectStore,
  { targetId: to, sourceId: from }: Doc<"contactMerges">,
  moved: Doc<"contactMergeMoves">,
): Promise<void> {
  const attachmentId = idOfAnyTenant(ctx, "attachments", moved.objectId);
  if (attachmentId) await returnAttachment(ctx, store, attachmentId, { from: to, to: from });
  const objectId = idOfAnyTenant(ctx, "objects", moved.objectId);
  const object = objectId && (await livingObject(ctx, objectId));
  if (!object) return;
  const { references } = moved;
  if (references === undefined) {
    // Merges of before references were kept move back whatever names the target.
    await relink(store, object, to, from);
    return;
  }
  const later = await laterMoves(ctx, moved, to);
  const kept = await relinkBack(store, object, { references, from, to }, later);
  for (const [i, { id }] of later.entries()) {
    await ctx.db.patch("contactMergeMoves", id, { references: kept[i] });
  }
}

/** The moves of an object to the same target by merges since, oldest first, that still stand. */
async function laterMoves(
  ctx: MutationCtx,
  { objectId, _creationTime }: Doc<"contactMergeMoves">,
  to: Id<"objects">,
): Promise<(Relinked & { id: Id<"contactMergeMoves"> })[]> {
  const moves = await ctx.db
    .query("contactMergeMoves")
    .withIndex("by_object", (q) => q.eq("objectId", objectId).gt("_creationTime", _creationTime))
    .collect();
  const later: (Relinked & { id: Id<"contactMergeMoves"> })[] = [];
  for (const { _id: id, mergeId, references } of moves) {
    const merge = await ctx.db.get("contactMerges", mergeId);
    if (merge?.targetId !== to || references === undefined) continue;
    later.push({ id, references, from: merge.sourceId, to });
  }
  return later;
}
