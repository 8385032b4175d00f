import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { tellMember } from "../delivery/inbox";
import { membershipIn } from "../kit/caller";
import type { ObjectDoc } from "../ontology/registry";
import { canSeeProject } from "../team/members";
import { isOpen } from "../types/task/type";

type Task = ObjectDoc<"task">;

/** Tells those of a task's assignees who are members still and see it; nobody of one that is over. */
export async function tellHolders(
  ctx: MutationCtx,
  organization: Doc<"organizations">,
  task: Task,
  event: "task.assigned" | "task.due",
  userIds: readonly Id<"users">[],
): Promise<void> {
  if (task.lifecycle !== "live" || !isOpen(task.status)) return;
  const { assigneeIds, key, name, projectId } = task.customProperties;
  for (const userId of userIds) {
    if (!assigneeIds.includes(userId)) continue;
    const membership = await membershipIn(ctx, userId, organization._id);
    if (!membership) continue;
    if (!(await canSeeProject(ctx, userId, { organizationId: organization._id, _id: projectId }))) {
      continue;
    }
    const news = { event, objectId: task._id, name: `${key} ${name}` };
    await tellMember(ctx, organization, { membershipId: membership._id, userId }, news);
  }
}
