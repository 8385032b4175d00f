import { ApiError, notFound } from "../kit/errors";
import { changeRecord } from "../ontology/records";
import type { ObjectDoc } from "../ontology/registry";
import type { RuleContext } from "../ontology/typeRules";
import { MAX_DEPENDENCIES } from "../types/task/type";

/** Dependencies one by one, as their routes add and remove them. */
type Task = ObjectDoc<"task">;

/** @throws as a change of `dependsOn`; CONFLICT for the fifty-first */
export async function addDependency(
  context: RuleContext,
  task: Task,
  other: Task,
): Promise<{ task: Task; isNew: boolean }> {
  const { dependsOn } = task.customProperties;
  if (dependsOn.includes(other._id)) return { task, isNew: false };
  if (dependsOn.length >= MAX_DEPENDENCIES) {
    throw new ApiError("CONFLICT", `A task waits for at most ${MAX_DEPENDENCIES} others.`);
  }
  const changed = await changeRecord(context, task, { dependsOn: [...dependsOn, other._id] });
  return { task: changed, isNew: true };
}

/** @throws TASK_NOT_FOUND where the task does not wait for it */
export async function removeDependency(
  context: RuleContext,
  task: Task,
  otherId: string,
): Promise<void> {
  const { dependsOn } = task.customProperties;
  const left = dependsOn.filter((id) => id !== otherId);
  if (left.length === dependsOn.length) throw notFound("task");
  await changeRecord(context, task, { dependsOn: left });
}
