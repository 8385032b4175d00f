import type { OrderedQuery } from "convex/server";
import type { DataModel, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { MatchKey } from "./definition";

/** The rows of those of a tenant's objects that have this in common. */
export function matchRows(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  type: string,
  { kind, key }: MatchKey,
): OrderedQuery<DataModel["objectMatchKeys"]> {
  return ctx.db
    .query("objectMatchKeys")
    .withIndex("by_key", (q) =>
      q.eq("organizationId", organizationId).eq("type", type).eq("kind", kind).eq("key", key),
    );
}
