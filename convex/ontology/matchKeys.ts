import { compareValues } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { phoneKey, type Region } from "../kit/phone";
import type { Match, MatchKey } from "./definition";
import { definitionOf } from "./derived";
import { matchRows } from "./matchRows";
import type { ObjectDoc, ObjectType } from "./registry";

/**
 * What an object may have in common with another that is the same in truth. A key that two objects
 * share is marked on both of their rows, so that duplicates are listed from an index that holds
 * nothing else.
 */

const MATCH_KINDS = [
  "email",
  "phone",
  "name",
  "address",
  "card",
] as const satisfies MatchKey["kind"][];

/** What the transaction knows already, and where its organization is. */
export type MatchAccess = {
  ctx: MutationCtx;
  /** Asked for only where a number has to be read. */
  regionOf: () => Promise<Region | null>;
  first: (type: ObjectType, matchKey: MatchKey) => Promise<Doc<"objectMatchKeys"> | null>;
  /** A row of this key came or went. */
  changed: (type: ObjectType, matchKey: MatchKey) => void;
};

/** Only of those kinds in which the object says anything else of who it is than before. */
export async function replaceMatchKeys(
  access: MatchAccess,
  before: ObjectDoc | null,
  after: ObjectDoc | null,
): Promise<void> {
  const old = before ? matchesOf(before) : [];
  const next = after ? matchesOf(after) : [];
  const object = after ?? before;
  for (const kind of MATCH_KINDS) {
    const [had, has] = [old, next].map((all) => all.filter((match) => match.kind === kind));
    if (!object || !had || !has || compareValues(had, has) === 0) continue;
    await writeKind(access, object, kind, had.length > 0, has);
  }
}

/**
 * The keys as they are made today, whatever an earlier version wrote. Answers whether any of them
 * differed.
 */
export async function remakeMatchKeys(access: MatchAccess, object: ObjectDoc): Promise<boolean> {
  const matches = matchesOf(object);
  let isChanged = false;
  for (const kind of MATCH_KINDS) {
    const own = matches.filter((match) => match.kind === kind);
    if (await writeKind(access, object, kind, true, own)) isChanged = true;
  }
  return isChanged;
}

async function writeKind(
  access: MatchAccess,
  object: ObjectDoc,
  kind: MatchKey["kind"],
  hasSome: boolean,
  matches: readonly Match[],
): Promise<boolean> {
  const keys = await keysOf(access, matches);
  // What stands there decides: an earlier version, or another country, made other keys.
  const stored = hasSome
    ? await access.ctx.db
        .query("objectMatchKeys")
        .withIndex("by_object", (q) => q.eq("objectId", object._id).eq("kind", kind))
        .collect()
    : [];
  const gone = stored.filter((row) => !keys.some(({ key }) => key === row.key));
  const added = keys.filter(({ key }) => !stored.some((row) => key === row.key));
  for (const row of gone) {
    await access.ctx.db.delete("objectMatchKeys", row._id);
    await unshare(access, object, row);
  }
  for (const key of added) await addKey(access, object, key);
  return gone.length + added.length > 0;
}

function matchesOf(object: ObjectDoc): Match[] {
  return definitionOf(object.type).matchKeys?.(object) ?? [];
}

async function keysOf({ regionOf }: MatchAccess, matches: readonly Match[]): Promise<MatchKey[]> {
  const hasPhone = matches.some(({ kind }) => kind === "phone");
  return matchKeysIn(matches, hasPhone ? await regionOf() : null);
}

/** Each key once; what is no phone number has none. */
export function matchKeysIn(matches: readonly Match[], region: Region | null): MatchKey[] {
  const keys = matches.flatMap((match): MatchKey[] => {
    if (match.kind !== "phone") return [match];
    const key = phoneKey(match.number, region);
    return key === null ? [] : [{ kind: "phone", key }];
  });
  return [...new Map(keys.map((key) => [`${key.kind} ${key.key}`, key])).values()];
}

async function addKey(
  { ctx, first, changed }: MatchAccess,
  object: ObjectDoc,
  { kind, key }: MatchKey,
): Promise<void> {
  const { organizationId, type, _id: objectId } = object;
  const other = await first(type, { kind, key });
  if (other && !other.isShared) {
    await ctx.db.patch("objectMatchKeys", other._id, { isShared: true });
  }
  const row = { organizationId, type, kind, key, objectId, isShared: other !== null };
  await ctx.db.insert("objectMatchKeys", row);
  changed(type, { kind, key });
}

/** The last one that has the key shares it no more. */
async function unshare(
  { ctx, changed }: MatchAccess,
  { organizationId, type }: ObjectDoc,
  matchKey: MatchKey,
): Promise<void> {
  changed(type, matchKey);
  const [last, another] = await matchRows(ctx, organizationId, type, matchKey).take(2);
  if (last && !another) await ctx.db.patch("objectMatchKeys", last._id, { isShared: false });
}
