import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { membershipIn } from "../kit/caller";
import { jobScopeOf, type WriteScope } from "../ontology/effects";
import { isOfType } from "../ontology/reader";
import { ObjectStore } from "../ontology/store";
import { termName } from "../ontology/terms";
import { jobScope } from "../schemas/crmSchemas";
import { isOpen, taskType } from "../types/task/type";

/** So many tasks change hands in one transaction. */
const TASKS_AT_ONCE = 100;

type Handing = {
  from: Id<"users">;
  /** Null for who leaves: their open tasks are nobody's then, the finished ones say who did them. */
  to: Id<"users"> | null;
};

/** Tasks of who leaves the organization, or whose account becomes another's, change hands by a job. */
export async function handTasksOn(
  ctx: MutationCtx,
  scope: WriteScope,
  handing: Handing,
): Promise<void> {
  const [first] = await heldTasks(ctx, scope.organizationId, handing, 1);
  if (!first) return;
  await ctx.scheduler.runAfter(0, internal.tasks.handing.step, {
    ...{ scope: jobScopeOf(scope), ...handing },
  });
}

export const step = internalMutation({
  args: { scope: jobScope, from: v.id("users"), to: v.union(v.id("users"), v.null()) },
  returns: v.null(),
  handler: async (ctx, { scope, ...handing }) => {
    const { from, to } = handing;
    const { organizationId } = scope;
    // Who has come back meanwhile keeps what is left.
    if (to === null && (await membershipIn(ctx, from, organizationId))) return null;
    const store = new ObjectStore(ctx, scope);
    const held = await heldTasks(ctx, organizationId, handing, TASKS_AT_ONCE);
    for (const { objectId } of held) {
      const task = await ctx.db.get("objects", objectId);
      if (!task || !isOfType(task, "task")) throw new Error("A term is of no task.");
      const others = task.customProperties.assigneeIds.filter((id) => id !== from && id !== to);
      const assigneeIds = to === null ? others : [...others, to];
      await store.update(task, { customProperties: { assigneeIds } });
    }
    await store.finish();
    if (held.length < TASKS_AT_ONCE) return null;
    await ctx.scheduler.runAfter(0, internal.tasks.handing.step, { scope, ...handing });
    return null;
  },
});

async function heldTasks(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { from, to }: Handing,
  limit: number,
): Promise<Doc<"objectTerms">[]> {
  const statuses = taskType.statuses.filter((status) => to !== null || isOpen(status));
  const found: Doc<"objectTerms">[] = [];
  for (const status of statuses) {
    const rows = await ctx.db
      .query("objectTerms")
      .withIndex("by_term", (q) =>
        q
          .eq("organizationId", organizationId)
          .eq("type", "task")
          .eq("term", termName("assignee", from))
          .eq("status", status),
      )
      .take(limit - found.length);
    found.push(...rows);
  }
  return found;
}
