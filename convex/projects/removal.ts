import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { batchOf } from "../kit/page";
import { definitionOf } from "../ontology/derived";
import { objectTypes, type ObjectType } from "../ontology/registry";
import { ObjectStore } from "../ontology/store";
import { jobScope } from "../schemas/crmSchemas";
import { endRemoval } from "../team/sightRows";

/**
 * What belongs to a deleted project goes by a chain of transactions, however much it is; until then nobody
 * sees it (ontology/sight.ts). It is removed by who deleted the project, and each row leaves its tombstone.
 */
const AT_ONCE = 25;

/** Each before those that it refers to: comments before the tasks that they are about. */
const TYPES = (Object.keys(objectTypes) as ObjectType[])
  .filter((type) => definitionOf(type).belongsTo !== undefined)
  .reverse();

/**
 * With a project that was brought back, by a later edit of a device, comes what went with it: whatever
 * was deleted from the project's deletion on, for nobody saw it any more.
 */
export const bringBack = internalMutation({
  args: {
    scope: jobScope,
    projectId: v.id("objects"),
    since: v.number(),
    place: v.number(),
    cursor: v.union(v.string(), v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { scope, projectId, since, place, cursor }) => {
    const { organizationId } = scope;
    const project = await ctx.db.get("objects", projectId);
    const type = TYPES[place];
    if (project?.lifecycle === "deleted" || type === undefined) return null;
    const store = new ObjectStore(ctx, scope);
    const { page, isDone, continueCursor } = await ctx.db
      .query("objects")
      .withIndex("list_parentId", (q) =>
        q
          .eq("organizationId", organizationId)
          .eq("type", type)
          .eq("lifecycle", "deleted")
          .eq("parentId", projectId),
      )
      .paginate({ numItems: AT_ONCE, cursor });
    for (const row of page) if ((row.deletedAt ?? 0) >= since) await store.restore(row);
    await store.finish();
    const next = isDone ? { place: place + 1, cursor: null } : { place, cursor: continueCursor };
    const args = { scope, projectId, since, ...next };
    await ctx.scheduler.runAfter(0, internal.projects.removal.bringBack, args);
    return null;
  },
});

export const step = internalMutation({
  args: { scope: jobScope, projectId: v.id("objects") },
  returns: v.null(),
  handler: async (ctx, { scope, projectId }) => {
    const { organizationId } = scope;
    const project = await ctx.db.get("objects", projectId);
    // Brought back to life meanwhile, and what has gone so far with it (`bringBack`).
    if (project && project.lifecycle !== "deleted") return null;
    const store = new ObjectStore(ctx, scope);
    let isWhole = true;
    for (const type of TYPES) {
      const rows = ctx.db
        .query("objects")
        .withIndex("list_parentId", (q) =>
          q
            .eq("organizationId", organizationId)
            .eq("type", type)
            .eq("lifecycle", "live")
            .eq("parentId", projectId),
        );
      const found = await batchOf(rows, AT_ONCE);
      for (const row of found.batch)
        await store.remove(row, { isReferenced: true, comments: "left" });
      ({ isWhole } = found);
      if (!isWhole) break;
    }
    await store.finish();
    if (isWhole) await endRemoval(ctx, organizationId, projectId);
    else await ctx.scheduler.runAfter(0, internal.projects.removal.step, { scope, projectId });
    return null;
  },
});
