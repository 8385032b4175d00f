import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { ended, succeeded } from "../jobs/job";
import { begun, isTurn, nextStep } from "../jobs/steps";
import { ObjectStore } from "../ontology/store";
import type { Job } from "../schemas/jobSchemas";
import { makeTasks, type Making } from "./tasks";

/**
 * The tasks of a project that is made from a large template: step by step, each a transaction that makes those of
 * one row and moves the place, so that every task is made once, whatever interrupts it.
 */
type TemplateJob = Doc<"templateJobs">;
type Asked = Pick<TemplateJob, "scope" | "templateId" | "taskCount">;

const GONE = "The template's tasks are gone.";

export async function beginTasks(
  ctx: MutationCtx,
  { scope, templateId, taskCount }: Asked,
  { project, beginning, shift, labelIds }: Making,
  now: number,
): Promise<Id<"templateJobs">> {
  const { organizationId } = scope;
  const job = begun(now, taskCount);
  const id = await ctx.db.insert("templateJobs", {
    ...{ organizationId, scope, templateId, projectId: project._id, shift, taskCount, job },
    ...(beginning ? { beginning } : {}),
    ...{ place: 0, taskIds: [], labelIds: [...labelIds], createdAt: now },
  });
  await stepAt(ctx, id, job, now);
  return id;
}

export async function stepAt(
  ctx: MutationCtx,
  id: Id<"templateJobs">,
  { lease }: Job,
  at: number,
): Promise<void> {
  await ctx.scheduler.runAt(at, internal.templates.jobs.step, { id, lease });
}

/** Makes the next tasks. It ends where somebody has cancelled it, or deleted or archived the project. */
export const step = internalMutation({
  args: { id: v.id("templateJobs"), lease: v.number() },
  returns: v.null(),
  handler: async (ctx, { id, lease }) => {
    const row = await ctx.db.get("templateJobs", id);
    if (!row?.job || !isTurn(row.job, lease)) return null;
    const now = Date.now();
    const store = new ObjectStore(ctx, row.scope);
    const project = await store.find("project", row.projectId);
    if (row.job.isCancelled || project?.lifecycle !== "live") {
      await end(ctx, row, ended(row.job, "cancelled", now));
      return null;
    }
    const tasks = await tasksAt(ctx, row);
    if (!tasks) {
      await end(ctx, row, ended(row.job, "failed", now, GONE));
      return null;
    }
    const { beginning = null, shift, taskIds: made, labelIds } = row;
    const making = { project, beginning, shift, made, labelIds };
    const taskIds = [...made, ...(await makeTasks({ ctx, store }, making, tasks))];
    await store.finish();
    const next = nextStep(row.job, now, { done: taskIds.length, total: row.taskCount });
    if (taskIds.length >= row.taskCount) {
      await end(ctx, row, succeeded(next, now));
      return null;
    }
    await ctx.db.patch("templateJobs", id, { place: row.place + 1, taskIds, job: next });
    await stepAt(ctx, id, next, now);
    return null;
  },
});

async function tasksAt(
  ctx: MutationCtx,
  { templateId, place }: TemplateJob,
): Promise<Doc<"templateTasks">["tasks"] | null> {
  const row = await ctx.db
    .query("templateTasks")
    .withIndex("by_template", (q) => q.eq("templateId", templateId).eq("place", place))
    .unique();
  return row && row.tasks;
}

/** Its working lists are nobody's any more. */
async function end(ctx: MutationCtx, { _id }: TemplateJob, job: Job): Promise<void> {
  await ctx.db.patch("templateJobs", _id, { job, taskIds: [], labelIds: [] });
}
