import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/**
 * The order in which an organization's objects were last committed. What changes moves to its end, so
 * whoever goes through it to the end has met everything as it is. Objects of one transaction share a
 * commit timestamp, so it alone would not say where a page ended.
 */
export type Position = { commitTs: bigint; creationTime: number; id: string };

export const START: Position = { commitTs: 0n, creationTime: 0, id: "" };

export function placeOf({ commitTs, _creationTime, _id }: Doc<"objects">): Position {
  if (typeof commitTs !== "bigint") throw new Error(`Object ${_id} is not committed yet.`);
  return { commitTs, creationTime: _creationTime, id: _id };
}

/** From an index: nothing that lies before the position is read, however large its commit was. */
export async function* objectsAfter(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { commitTs, creationTime, id }: Position,
): AsyncGenerator<Doc<"objects">> {
  // Rows made by different transactions can, by a rare chance, have the same creation time.
  const twins = await ctx.db
    .query("objects")
    .withIndex("by_commit", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("commitTs", commitTs)
        .eq("_creationTime", creationTime),
    )
    .collect();
  yield* twins.slice(twins.findIndex(({ _id }) => _id === id) + 1);
  const restOfCommit = ctx.db
    .query("objects")
    .withIndex("by_commit", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("commitTs", commitTs)
        .gt("_creationTime", creationTime),
    );
  for await (const row of restOfCommit) yield row;
  const later = ctx.db
    .query("objects")
    .withIndex("by_commit", (q) => q.eq("organizationId", organizationId).gt("commitTs", commitTs));
  for await (const row of later) yield row;
}

/** As far as a signed 64-bit integer has nanoseconds: no commit is later. */
export const END_OF_TIME = 2n ** 63n - 1n;

/** A time in milliseconds as commits have it; one beyond what they can have is the first or last. */
export function nanoseconds(milliseconds: number): bigint {
  const exact = BigInt(milliseconds) * 1_000_000n;
  if (exact < 0n) return 0n;
  return exact > END_OF_TIME ? END_OF_TIME : exact;
}
