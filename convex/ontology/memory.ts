import type { Doc, Id } from "../_generated/dataModel";
import type { MatchKey } from "./definition";
import type { ObjectDoc, ObjectType } from "./registry";

/**
 * What a transaction has read of one tenant's objects, so that what its writes have in common is read
 * once. It is true for as long as one store makes all of the transaction's writes: that store keeps
 * it up.
 */
export class ObjectMemory {
  private readonly objects = new Map<Id<"objects">, ObjectDoc | null>();
  private readonly holders = new Map<string, ObjectDoc | null>();
  private readonly matches = new Map<string, Doc<"objectMatchKeys"> | null>();

  async object(
    id: Id<"objects">,
    read: () => Promise<ObjectDoc | null>,
  ): Promise<ObjectDoc | null> {
    return await remembered(this.objects, id, read);
  }

  async holder(
    type: ObjectType,
    lookupKey: string,
    read: () => Promise<ObjectDoc | null>,
  ): Promise<ObjectDoc | null> {
    return await remembered(this.holders, keyOf(type, lookupKey), read);
  }

  async match(
    type: ObjectType,
    matchKey: MatchKey,
    read: () => Promise<Doc<"objectMatchKeys"> | null>,
  ): Promise<Doc<"objectMatchKeys"> | null> {
    return await remembered(this.matches, matchOf(type, matchKey), read);
  }

  /** A row of this key came or went. */
  matched(type: ObjectType, matchKey: MatchKey): void {
    this.matches.delete(matchOf(type, matchKey));
  }

  /** An object was written: `before` is null for a new one. */
  wrote(before: ObjectDoc | null, after: ObjectDoc): void {
    this.objects.set(after._id, after);
    for (const { type, lookupKey } of before ? [before, after] : [after]) {
      if (lookupKey !== undefined) this.holders.delete(keyOf(type, lookupKey));
    }
  }
}

function keyOf(type: ObjectType, lookupKey: string): string {
  return `${type} ${lookupKey}`;
}

function matchOf(type: ObjectType, { kind, key }: MatchKey): string {
  return `${type} ${kind} ${key}`;
}

async function remembered<Key, Value>(
  known: Map<Key, Value>,
  key: Key,
  read: () => Promise<Value>,
): Promise<Value> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const value = await read();
  known.set(key, value);
  return value;
}
