import { invalidFields } from "../../kit/errors";
import type { Id } from "../../_generated/dataModel";
import { requireAssignable, whoSee } from "../../tasks/assignees";
import { lastRank } from "../../tasks/column";
import {
  isAnyOpen,
  releaseDependents,
  requireAcyclic,
  requireDependable,
  requireUnblocked,
  unblockDependents,
} from "../../tasks/dependencies";
import { requireRecurrence } from "../../tasks/recurrence";
import { succeed } from "../../tasks/succession";
import { partsOf, requireParent } from "../../tasks/parts";
import { requireLabels } from "../../tasks/labels";
import { rankBetween } from "../../ontology/ranks";
import type { Properties } from "../../ontology/registry";
import { nextSerial } from "../../ontology/serials";
import type { RuleContext, TypeRules } from "../../ontology/typeRules";
import { isOpen } from "./type";

type Task = Properties<"task">;

export const taskRules: TypeRules<"task"> = {
  check({ startDate, dueDate, recurrence, remindMinutesBefore, estimateMinutes }) {
    for (const [field, minutes] of Object.entries({ remindMinutesBefore, estimateMinutes })) {
      if (minutes === undefined || Number.isInteger(minutes)) continue;
      throw invalidFields([{ field, message: "must be whole minutes" }]);
    }
    if (startDate !== undefined && dueDate !== undefined && dueDate < startDate) {
      throw invalidFields([{ field: "dueDate", message: "must not lie before startDate" }]);
    }
    if (remindMinutesBefore !== undefined && dueDate === undefined) {
      throw invalidFields([{ field: "remindMinutesBefore", message: "needs a dueDate" }]);
    }
    if (recurrence) requireRecurrence(recurrence);
  },
  async gives(context, { status, customProperties: given }) {
    const task = given as Task;
    await requireLabels(context.store, task.projectId, task.labelIds);
    await requireAssignable(context, task.projectId, { before: [], next: task.assigneeIds });
    if (task.parentTaskId) await requireParent(context, null, task.projectId, task.parentTaskId);
    const dependencies = await requireDependable(context, null, task);
    if (status === "done" && !context.isForced) requireUnblocked(dependencies);
    const { projectId } = task;
    const position =
      given.position ?? rankBetween(await lastRank(context, projectId, status), null);
    // Read last: from here on, concurrent creations in the project wait for each other.
    return {
      ...{ position, loggedMinutes: 0, isBlocked: isAnyOpen(dependencies) },
      ...(isOpen(status) ? {} : { completedAt: Date.now() }),
      key: await nextKey(context, projectId),
    };
  },
  async changes(context, object, { status, properties: next }) {
    const before = object.customProperties;
    const { projectId, parentTaskId, labelIds, dependsOn } = next;
    if (differs(before.labelIds, labelIds)) await requireLabels(context.store, projectId, labelIds);
    const assignees = { before: before.assigneeIds, next: next.assigneeIds };
    await requireAssignable(context, projectId, assignees);
    if (parentTaskId && parentTaskId !== before.parentTaskId) {
      await requireParent(context, object, projectId, parentTaskId);
    }
    const isFinishing = isOpen(object.status) && status === "done";
    const isRelinked = differs(before.dependsOn, dependsOn);
    let { isBlocked } = next;
    if (isRelinked || (isFinishing && isBlocked)) {
      const dependencies = await requireDependable(context, object, next);
      if (isRelinked) await requireAcyclic(context, object, dependencies);
      isBlocked = isAnyOpen(dependencies);
      if (isFinishing && !context.isForced) requireUnblocked(dependencies);
    }
    if (isOpen(status) === isOpen(object.status)) return { isBlocked };
    if (!isOpen(status)) return { isBlocked, completedAt: Date.now() };
    // Who has left meanwhile holds nothing that is to be done.
    const assigneeIds = await whoSee(context, projectId, next.assigneeIds);
    return { isBlocked, completedAt: undefined, assigneeIds };
  },
  verbOf: (object, { status }) =>
    status === "done" && object.status !== "done" ? "completed" : undefined,
  async entails(context, before, after) {
    if (before === null || isOpen(before.status) === isOpen(after.status)) return after;
    await unblockDependents(context, after);
    return isOpen(after.status) ? after : await succeed(context, after);
  },
  async releases(context, task) {
    for (const part of await partsOf(context, task)) {
      await releaseDependents(context, part);
      await context.store.remove(part);
    }
    await releaseDependents(context, task);
  },
};

async function nextKey({ ctx, store }: RuleContext, projectId: Id<"objects">): Promise<string> {
  const project = await store.require("project", projectId);
  const serial = await nextSerial(ctx, store.organizationId, `task:${projectId}`);
  return `${project.customProperties.projectCode}-${serial}`;
}

function differs(one: readonly string[], other: readonly string[]): boolean {
  return one.length !== other.length || one.some((id, at) => id !== other[at]);
}
