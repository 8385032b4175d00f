import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalMutation } from "../_generated/server";
import { MAX_BYTES_REWRITTEN } from "../kit/page";
import { definitionOf } from "../ontology/derived";
import { objectTypes, type ObjectType } from "../ontology/registry";
import { ObjectStore } from "../ontology/store";
import { systemScope } from "../tenancy";

/**
 * Who sees a project has changed: its rows, and those of what belongs to it, go to the end of the commit
 * order as they are, so that every pull meets them once more and hands them out, or tells to forget
 * them. A chain of scheduled transactions, each of which goes on where the one before has ended.
 */
const AT_ONCE = 100;
const PROJECTS_AT_ONCE = 50;

const LIFECYCLES = ["live", "archived"] as const;
const PARTS = (Object.keys(objectTypes) as ObjectType[])
  .filter((type) => definitionOf(type).belongsTo !== undefined)
  .flatMap((type) => LIFECYCLES.map((lifecycle) => ({ type, lifecycle })));

export const project = internalMutation({
  args: {
    organizationId: v.id("organizations"),
    projectId: v.id("objects"),
    /** Which part it is at. */
    at: v.number(),
    cursor: v.union(v.string(), v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { organizationId, projectId, at, cursor }) => {
    const store = new ObjectStore(ctx, systemScope(organizationId, "teams"));
    if (at === 0 && cursor === null) {
      const itself = await store.find("project", projectId);
      if (itself) await store.handOutAgain(itself);
    }
    const part = PARTS[at];
    if (!part) return null;
    const { page, isDone, continueCursor } = await ctx.db
      .query("objects")
      .withIndex("list_parentId", (q) =>
        q
          .eq("organizationId", organizationId)
          .eq("type", part.type)
          .eq("lifecycle", part.lifecycle)
          .eq("parentId", projectId),
      )
      .paginate({ numItems: AT_ONCE, cursor, maximumBytesRead: MAX_BYTES_REWRITTEN });
    for (const object of page) await store.handOutAgain(object);
    const next = isDone ? { at: at + 1, cursor: null } : { at, cursor: continueCursor };
    if (next.at < PARTS.length) {
      const rest = { organizationId, projectId, ...next };
      await ctx.scheduler.runAfter(0, internal.team.handingOut.project, rest);
    }
    return null;
  },
});

/** Every project of the organization that is its team's alone. */
export const teams = internalMutation({
  args: { organizationId: v.id("organizations"), cursor: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { organizationId, cursor }) => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("projectSight")
      .withIndex("by_project", (q) => q.eq("organizationId", organizationId))
      .paginate({ numItems: PROJECTS_AT_ONCE, cursor });
    for (const { projectId, isTeam } of page) {
      const first = { organizationId, projectId, at: 0, cursor: null };
      if (isTeam) await ctx.scheduler.runAfter(0, internal.team.handingOut.project, first);
    }
    if (!isDone) {
      const next = { organizationId, cursor: continueCursor };
      await ctx.scheduler.runAfter(0, internal.team.handingOut.teams, next);
    }
    return null;
  },
});
