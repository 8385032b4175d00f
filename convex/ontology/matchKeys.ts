import type { MutationCtx } from "../_generated/server";
import type { MatchKey } from "./definition";
import { definitionOf } from "./derived";
import type { ObjectDoc } from "./registry";

/**
 * What an object may have in common with another that is the same in truth. A key that two objects
 * share is marked on both of their rows, so that duplicates are listed from an index that holds
 * nothing else.
 */
export async function replaceMatchKeys(
  ctx: MutationCtx,
  before: ObjectDoc | null,
  after: ObjectDoc | null,
): Promise<void> {
  const old = before ? matchKeysOf(before) : [];
  const next = after ? matchKeysOf(after) : [];
  const isIn = (keys: MatchKey[], { kind, key }: MatchKey): boolean =>
    keys.some((other) => other.kind === kind && other.key === key);
  for (const key of old) if (before && !isIn(next, key)) await removeKey(ctx, before, key);
  for (const key of next) if (after && !isIn(old, key)) await addKey(ctx, after, key);
}

function matchKeysOf(object: ObjectDoc): MatchKey[] {
  return definitionOf(object.type).matchKeys?.(object) ?? [];
}

async function addKey(ctx: MutationCtx, object: ObjectDoc, matchKey: MatchKey): Promise<void> {
  const other = await holdersOf(ctx, object, matchKey).first();
  if (other && !other.isShared)
    await ctx.db.patch("objectMatchKeys", other._id, { isShared: true });
  const { organizationId, type, _id: objectId } = object;
  const row = { organizationId, type, ...matchKey, objectId, isShared: other !== null };
  await ctx.db.insert("objectMatchKeys", row);
}

async function removeKey(ctx: MutationCtx, object: ObjectDoc, matchKey: MatchKey): Promise<void> {
  const own = await ctx.db
    .query("objectMatchKeys")
    .withIndex("by_object", (q) => q.eq("objectId", object._id).eq("kind", matchKey.kind))
    .collect();
  for (const row of own) {
    if (row.key === matchKey.key) await ctx.db.delete("objectMatchKeys", row._id);
  }
  const [last, another] = await holdersOf(ctx, object, matchKey).take(2);
  if (last && !another) await ctx.db.patch("objectMatchKeys", last._id, { isShared: false });
}

function holdersOf(ctx: MutationCtx, object: ObjectDoc, { kind, key }: MatchKey) {
  return ctx.db
    .query("objectMatchKeys")
    .withIndex("by_key", (q) =>
      q
        .eq("organizationId", object.organizationId)
        .eq("type", object.type)
        .eq("kind", kind)
        .eq("key", key),
    );
}
