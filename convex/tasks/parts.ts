import type { Id } from "../_generated/dataModel";
import { ApiError, invalidFields } from "../kit/errors";
import type { ObjectDoc } from "../ontology/registry";
import { SelectedRows } from "../ontology/selectedRows";
import { selectionOf } from "../ontology/selection";
import type { RuleContext } from "../ontology/typeRules";

/** So many parts has a task at most: all of them go with it, in one transaction. */
export const MAX_PARTS = 100;

type Task = ObjectDoc<"task">;

/**
 * @param task null of a new one
 * @throws VALIDATION_ERROR where the parent is itself, another project's, or a part; where the task has
 *   parts itself; CONFLICT where the parent has as many as it may
 */
export async function requireParent(
  context: RuleContext,
  task: Task | null,
  projectId: Id<"objects">,
  parentId: Id<"objects">,
): Promise<void> {
  const parent = await context.store.require("task", parentId);
  const problem = problemOf(task, projectId, parent);
  if (problem !== null) throw invalidFields([{ field: "parentTaskId", message: problem }]);
  if (task && (await partsOf(context, task)).length > 0) {
    const message = "must not be set where the task has parts itself: there is one level";
    throw invalidFields([{ field: "parentTaskId", message }]);
  }
  if ((await partsOf(context, parent)).length < MAX_PARTS) return;
  throw new ApiError("CONFLICT", `A task has at most ${MAX_PARTS} parts.`);
}

function problemOf(task: Task | null, projectId: Id<"objects">, parent: Task): string | null {
  if (task?._id === parent._id) return "must be another task";
  if (parent.customProperties.projectId !== projectId) return "must be a task of the same project";
  if (parent.customProperties.parentTaskId) return "must not be a part itself: there is one level";
  return null;
}

/** The parts of a task; more than `MAX_PARTS` come of devices that made them at once. */
export async function partsOf({ ctx, store }: RuleContext, task: Task): Promise<Task[]> {
  const selection = selectionOf({ subjectId: [task._id] });
  const rows = new SelectedRows(ctx, store.organizationId, "task", selection);
  return await rows.take(MAX_PARTS);
}
