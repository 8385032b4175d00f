import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import type { Doc, Id } from "./_generated/dataModel";
import { internalQuery, type QueryCtx } from "./_generated/server";
import { findOwn } from "./kit/own";
import { isEventType } from "./ontology/eventTypes";

/** Entries and events of one object that are read to compare them; more are not compared. */
const COMPARED = 200;

/**
 * Re-derives, object by object, what is written beside an organization's objects, a page at a time:
 * each version has its audit entry, each entry its event if it is of a kind that has one, and each link its two ends. Events older
 * than their 90 days are gone by then, so an old object's are not compared. Totals are checked where
 * they are asked for: against a scan of the lists.
 */
export const page = internalQuery({
  args: { organizationId: v.id("organizations"), paginationOpts: paginationOptsValidator },
  returns: v.object({
    checked: v.number(),
    differences: v.array(v.object({ objectId: v.string(), what: v.string() })),
    isDone: v.boolean(),
    continueCursor: v.string(),
  }),
  handler: async (ctx, { organizationId, paginationOpts }) => {
    const { page, isDone, continueCursor } = await ctx.db
      .query("objects")
      .withIndex("by_commit", (q) => q.eq("organizationId", organizationId))
      .paginate(paginationOpts);
    const differences: { objectId: string; what: string }[] = [];
    for (const object of page) {
      const problems = [
        ...(await trailProblems(ctx, object)),
        ...(await linkProblems(ctx, organizationId, object._id)),
      ];
      differences.push(...problems.map((what) => ({ objectId: object._id, what })));
    }
    return { checked: page.length, differences, isDone, continueCursor };
  },
});

async function trailProblems(ctx: QueryCtx, object: Doc<"objects">): Promise<string[]> {
  const { organizationId, _id, version } = object;
  const entries = await ctx.db
    .query("auditLogs")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", _id))
    .take(COMPARED);
  const events = await ctx.db
    .query("events")
    .withIndex("by_object", (q) => q.eq("organizationId", organizationId).eq("objectId", _id))
    .take(COMPARED);
  if (entries.length === COMPARED) return [];
  const created = entries.filter(({ action }) => action.endsWith(".created")).length;
  const actions = entries
    .map(({ action }) => action)
    .filter(isEventType)
    .join();
  const types = events.map(({ type }) => type).join();
  return [
    ...(created === 1 ? [] : [`has ${created} entries of its creation`]),
    ...(entries.length < version ? [`has ${entries.length} entries at version ${version}`] : []),
    ...(actions === types ? [] : [`has the entries ${actions} and the events ${types}`]),
  ];
}

async function linkProblems(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  from: Id<"objects">,
): Promise<string[]> {
  const links = await ctx.db
    .query("objectLinks")
    .withIndex("by_from", (q) => q.eq("organizationId", organizationId).eq("from", from))
    .collect();
  const problems: string[] = [];
  for (const { to, linkType } of links) {
    const target = await findOwn(ctx, { organizationId }, "objects", to);
    if (!target || target.lifecycle === "deleted")
      problems.push(`has a link ${linkType} to ${to}, which is not there`);
  }
  return problems;
}
