import { compareValues } from "convex/values";
import type { NamedTableInfo, Query } from "convex/server";
import { internal } from "../_generated/api";
import type { DataModel, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { jobScopeOf, type WriteScope } from "../ontology/effects";
import { customersOf } from "../ontology/portalRules";
import type { ObjectDoc } from "../ontology/registry";
import { projectIdOf, wordOf } from "./entities";

/**
 * Comments follow what they are about; the store calls this with each change and deletion of an object,
 * whatever way it came in. Those of what is deleted, and the replies to a comment that is, are hidden at once
 * and removed by a job; those of what has come to another project are hidden while a job moves them; those
 * of what other customers see now are shown to those by a job (the ones of before read them no more:
 * ontology/portalAbout.ts).
 */

/** What becomes of the comments of an object that is removed: `left` where others see to them. */
export type Farewell = "removed" | "hidden" | "left";
/** The column of comments that names it. */
export type OwnerColumn = "parentId" | "relatedId" | "subjectId";

export async function keepComments(
  ctx: MutationCtx,
  scope: WriteScope,
  before: ObjectDoc,
  after: ObjectDoc,
  farewell: Farewell = "removed",
): Promise<void> {
  const isComment = after.type === "comment";
  if (!isComment && wordOf(after.type) === null) return;
  const isDeleted = after.lifecycle === "deleted" && before.lifecycle !== "deleted";
  if (isDeleted) await takeLeave(ctx, scope, after, farewell);
  else if (!isComment && after.lifecycle !== "deleted") await follow(ctx, before, after);
}

async function takeLeave(
  ctx: MutationCtx,
  scope: WriteScope,
  { organizationId, _id: ownerId, type }: ObjectDoc,
  farewell: Farewell,
): Promise<void> {
  // What belongs to a project is removed with it: projects/removal.ts. An erasure comes to replies by itself.
  const isSeenTo = farewell === "left" || type === "project";
  if (isSeenTo || (type === "comment" && farewell === "hidden")) return;
  const column = type === "comment" ? "subjectId" : "relatedId";
  if (!(await hasComments(ctx, organizationId, column, ownerId))) return;
  const hidingId = await ctx.db.insert("hiddenComments", { organizationId, ownerId });
  if (farewell === "hidden") return;
  const removed = { scope: jobScopeOf(scope), ownerId, column, hidingId } as const;
  await ctx.scheduler.runAfter(0, internal.comments.jobs.remove, removed);
}

async function follow(ctx: MutationCtx, before: ObjectDoc, after: ObjectDoc): Promise<void> {
  const { organizationId, _id: ownerId, type } = after;
  const isMoved = projectIdOf(before) !== projectIdOf(after);
  if (!isMoved && compareValues(customersOf(before), customersOf(after)) === 0) return;
  const column = type === "project" ? "parentId" : "relatedId";
  if (!(await hasComments(ctx, organizationId, column, ownerId))) return;
  const hidingId = isMoved
    ? await ctx.db.insert("hiddenComments", { organizationId, ownerId })
    : null;
  const moved = { organizationId, ownerId, column, hidingId, cursor: null } as const;
  await ctx.scheduler.runAfter(0, internal.comments.jobs.follow, moved);
}

async function hasComments(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  column: OwnerColumn,
  ownerId: Id<"objects">,
): Promise<boolean> {
  return (await commentsOf(ctx, organizationId, column, ownerId).first()) !== null;
}

/** The living comments that name an owner in a column, the oldest first. */
export function commentsOf(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  column: OwnerColumn,
  ownerId: Id<"objects">,
  since = -Infinity,
): Query<NamedTableInfo<DataModel, "objects">> {
  return ctx.db.query("objects").withIndex(`list_${column}`, (q) =>
    q
      .eq("organizationId", organizationId)
      .eq("type", "comment")
      .eq("lifecycle", "live")
      .eq(column as "parentId", ownerId)
      .gt("createdAt", since),
  );
}

/** An erasure has come to all of them. */
export async function endHiding(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  ownerId: Id<"objects">,
): Promise<void> {
  const rows = ctx.db
    .query("hiddenComments")
    .withIndex("by_owner", (q) => q.eq("organizationId", organizationId).eq("ownerId", ownerId));
  for (const { _id } of await rows.collect()) await ctx.db.delete("hiddenComments", _id);
}

/** Comments on an object that were deleted, and of which a tombstone says what they said: no link leads to them. */
export async function deletedCommentsOn(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  entityId: Id<"objects">,
  most: number,
): Promise<Id<"objects">[]> {
  const rows = ctx.db
    .query("objects")
    .withIndex("list_relatedId", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("type", "comment")
        .eq("lifecycle", "deleted")
        .eq("relatedId", entityId),
    );
  const found: Id<"objects">[] = [];
  for await (const { _id, erasedAt, name } of rows) {
    if (erasedAt === undefined && name !== "") found.push(_id);
    if (found.length === most) break;
  }
  return found;
}
