import type { OrderedQuery } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { TenantReader } from "../ontology/reader";
import type { ObjectDoc, Status } from "../ontology/registry";

type Task = ObjectDoc<"task">;
type Reads = { ctx: QueryCtx; store: TenantReader };

/** The place of the last task of a column; null where it has none. */
export async function lastRank(
  { ctx, store }: Reads,
  projectId: Id<"objects">,
  status: Status<"task">,
): Promise<string | null> {
  const [last] = await columnFrom(ctx, store.organizationId, { projectId, status }, "desc").take(1);
  return last?.rank ?? null;
}

export type Column = { projectId: Id<"objects">; status: Status<"task"> };
/** Places: from one on, below one, or up to and with one. */
type Bound = { from?: string; before?: string; upTo?: string };

/** The living tasks of a column in their order, or against it, from a place on or up to one. */
export function columnFrom(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { projectId, status }: Column,
  order: "asc" | "desc",
  { from, before, upTo }: Bound = {},
): OrderedQuery<DataModel["objects"]> {
  return ctx.db
    .query("objects")
    .withIndex("list_by_rank", (q) => {
      const column = q
        .eq("organizationId", organizationId)
        .eq("type", "task")
        .eq("lifecycle", "live")
        .eq("parentId", projectId)
        .eq("status", status);
      if (upTo !== undefined) return column.lte("rank", upTo);
      if (from !== undefined) return column.gte("rank", from);
      return before === undefined ? column : column.lt("rank", before);
    })
    .order(order);
}

/** A row of `columnFrom` as what it is. */
export function asTask(row: Doc<"objects">): Task {
  if (row.type !== "task") throw new Error(`Object ${row._id} is in a column and no task.`);
  return row;
}
