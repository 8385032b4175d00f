import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { wholeDayOf } from "../kit/localTime";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { isOpen } from "../types/task/type";
import { tellHolders } from "./holders";

type Task = ObjectDoc<"task">;
type Organization = Doc<"organizations">;

const MINUTE = 60_000;
const AT_ONCE = 50;

/** So long before the end of the day on which it is due, in the organization's zone; null without a time. */
function remindsAt({ timeZone }: Organization, task: Task): number | null {
  const { dueDate, remindMinutesBefore } = task.customProperties;
  if (dueDate === undefined || remindMinutesBefore === undefined) return null;
  if (task.lifecycle !== "live" || !isOpen(task.status)) return null;
  return wholeDayOf(dueDate, timeZone).last + 1 - remindMinutesBefore * MINUTE;
}

/** Keeps the row of a task in step with it; one that was told stays so until the time is another. */
export async function keepReminder(
  ctx: MutationCtx,
  organization: Organization,
  task: Task,
): Promise<void> {
  const at = remindsAt(organization, task);
  const known = await ctx.db
    .query("taskReminders")
    .withIndex("by_task", (q) => q.eq("taskId", task._id))
    .unique();
  if (known && at === null) await ctx.db.delete("taskReminders", known._id);
  if (at === null || known?.at === at) return;
  const row = { organizationId: organization._id, taskId: task._id, at, isTold: false };
  if (known) await ctx.db.replace("taskReminders", known._id, row);
  else await ctx.db.insert("taskReminders", row);
}

/**
 * Tells what is due, the earliest first. The task is read again: who holds it now is told, nobody where it
 * is over or was due before today, and later where the organization has moved to another zone.
 */
export const sweep = internalMutation({
  args: {},
  returns: v.object({ told: v.number() }),
  handler: async (ctx): Promise<{ told: number }> => {
    const now = Date.now();
    const due = await ctx.db
      .query("taskReminders")
      .withIndex("by_time", (q) => q.eq("isTold", false).lte("at", now))
      .take(AT_ONCE);
    let told = 0;
    for (const row of due) told += (await tellDue(ctx, row, now)) ? 1 : 0;
    if (due.length === AT_ONCE) await ctx.scheduler.runAfter(0, internal.tasks.reminders.sweep, {});
    return { told };
  },
});

async function tellDue(
  ctx: MutationCtx,
  { _id, organizationId, taskId }: Doc<"taskReminders">,
  now: number,
): Promise<boolean> {
  const organization = await ctx.db.get("organizations", organizationId);
  const task = await ctx.db.get("objects", taskId);
  const at = organization && task && isOfType(task, "task") ? remindsAt(organization, task) : null;
  if (!organization || !task || !isOfType(task, "task") || at === null) {
    await ctx.db.delete("taskReminders", _id);
    return false;
  }
  if (at > now) {
    await ctx.db.patch("taskReminders", _id, { at });
    return false;
  }
  await ctx.db.patch("taskReminders", _id, { isTold: true });
  const { assigneeIds, dueDate = now } = task.customProperties;
  if (wholeDayOf(dueDate, organization.timeZone).last < now) return false;
  await tellHolders(ctx, organization, task, "task.due", assigneeIds);
  return true;
}
