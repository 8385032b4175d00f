import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { compareValues } from "convex/values";
import { batchOf, MAX_BYTES_REWRITTEN } from "../kit/page";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { ObjectStore } from "../ontology/store";
import { jobScope } from "../schemas/crmSchemas";
import { systemScope } from "../tenancy";
import { customersAt, projectIdOf } from "./entities";
import { commentsOf } from "./keeping";

/** Comments of what was deleted, or has come to another project or customer: a chain of transactions. */
const AT_ONCE = 100;

const ownerColumn = v.union(v.literal("parentId"), v.literal("relatedId"), v.literal("subjectId"));

export const remove = internalMutation({
  args: {
    scope: jobScope,
    ownerId: v.id("objects"),
    column: ownerColumn,
    hidingId: v.id("hiddenComments"),
  },
  returns: v.null(),
  handler: async (ctx, { scope, ...args }) => {
    const { ownerId, column, hidingId } = args;
    const owner = await ctx.db.get("objects", ownerId);
    // Brought back to life meanwhile: what is left of them stays.
    if (owner && owner.lifecycle !== "deleted") return await unhide(ctx, hidingId);
    const store = new ObjectStore(ctx, scope);
    const rows = commentsOf(ctx, scope.organizationId, column, ownerId);
    const { batch, isWhole } = await batchOf(rows, AT_ONCE);
    for (const row of batch) await store.remove(row, { isReferenced: true, comments: "left" });
    await store.finish();
    if (isWhole) return await unhide(ctx, hidingId);
    await ctx.scheduler.runAfter(0, internal.comments.jobs.remove, { scope, ...args });
    return null;
  },
});

export const follow = internalMutation({
  args: {
    organizationId: v.id("organizations"),
    ownerId: v.id("objects"),
    column: ownerColumn,
    hidingId: v.union(v.id("hiddenComments"), v.null()),
    cursor: v.union(v.string(), v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { cursor, ...args }) => {
    const { organizationId, ownerId, column, hidingId } = args;
    const store = new ObjectStore(ctx, systemScope(organizationId, "comments"));
    const { page, isDone, continueCursor } = await commentsOf(
      ctx,
      organizationId,
      column,
      ownerId,
    ).paginate({ numItems: AT_ONCE, cursor, maximumBytesRead: MAX_BYTES_REWRITTEN });
    for (const row of page) if (isOfType(row, "comment")) await followOne(ctx, store, row);
    await store.finish();
    if (!isDone) {
      const rest = { ...args, cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.comments.jobs.follow, rest);
    } else if (hidingId) await unhide(ctx, hidingId);
    return null;
  },
});

async function followOne(
  ctx: MutationCtx,
  store: ObjectStore,
  comment: ObjectDoc<"comment">,
): Promise<void> {
  const { entityId, visibility, projectId, customerIds } = comment.customProperties;
  const entity = await store.findDeletedToo(entityId);
  if (!entity || entity.lifecycle === "deleted") return;
  const now = {
    projectId: projectIdOf(entity),
    customerIds: visibility === "client" ? await customersAt(ctx, entity) : [],
  };
  const isMoved = now.projectId !== projectId;
  if (!isMoved && compareValues(now.customerIds, customerIds) === 0) return;
  const customProperties = { ...now, ...(isMoved ? { hasMoved: true } : {}) };
  await store.update(comment, { customProperties }, "relinked");
}

async function unhide(ctx: MutationCtx, hidingId: Id<"hiddenComments">): Promise<null> {
  if (await ctx.db.get("hiddenComments", hidingId)) await ctx.db.delete("hiddenComments", hidingId);
  return null;
}
