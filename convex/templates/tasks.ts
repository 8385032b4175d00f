import type { Id } from "../_generated/dataModel";
import { daysLater, startOfDay } from "../kit/localTime";
import type { ObjectDoc, Properties } from "../ontology/registry";
import { nextSerials } from "../ontology/serials";
import type { RuleContext } from "../ontology/typeRules";
import type { Beginning, PlannedTask } from "../schemas/templateSchemas";
import { cycleThrough, isAnyOpen } from "../tasks/dependencies";
import { MAX_DEPENDENCIES } from "../types/task/type";
import { movedRule } from "./plan";

/** How tasks of a template become tasks of a project: each as if it were made alone, by the one store. */
type Task = ObjectDoc<"task">;
type Made = Id<"objects"> | null;

export type Making = {
  project: ObjectDoc<"project">;
  /** Null where the template has no days. */
  beginning: Beginning | null;
  /** Days from those of the template to those of the project. */
  shift: number;
  /** What was made before, by places. */
  made: readonly Made[];
  labelIds: readonly Id<"objects">[];
};

/**
 * The next tasks of a template, whose places begin where `made` ends. What somebody has done meanwhile to those
 * before stays: nothing waits for one that was deleted, whose parts are not made either (null).
 */
export async function makeTasks(
  context: RuleContext,
  making: Making,
  planned: readonly PlannedTask[],
): Promise<Made[]> {
  const { ctx, store } = context;
  const { project } = making;
  const series = `task:${project._id}`;
  const first = await nextSerials(ctx, store.organizationId, series, planned.length);
  const made = [...making.made];
  const begunAt = made.length;
  for (const [at, task] of planned.entries()) {
    const key = `${project.customProperties.projectCode}-${first + at}`;
    made.push(await makeTask(context, { ...making, made }, task, key));
  }
  await letWait(context, made, planned, begunAt);
  return made.slice(begunAt);
}

async function makeTask(
  { store }: RuleContext,
  { project, beginning, shift, made, labelIds }: Making,
  planned: PlannedTask,
  key: string,
): Promise<Made> {
  const parent = planned.parent === undefined ? null : await living(store, made, planned.parent);
  if (planned.parent !== undefined && !parent) return null;
  const dependencies = await allLiving(store, made, planned.dependsOn);
  const labels = await Promise.all(
    planned.labels.map((at) => store.find("task_label", labelIds[at] ?? "")),
  );
  const { title: name, priority, rank: position, customFields, recurrence } = planned;
  const { estimateMinutes, remindMinutesBefore, startIn, dueIn, description } = planned;
  const task = await store.insert("task", {
    ...{ subtype: "task", status: "todo" },
    ...(description === undefined ? {} : { description }),
    customProperties: definedOnly({
      ...{ projectId: project._id, key, name, priority, assigneeIds: [] },
      labelIds: labels.flatMap((label) => (label ? [label._id] : [])),
      // Somebody may have made the parent a part meanwhile: there is one level.
      parentTaskId: parent && !parent.customProperties.parentTaskId ? parent._id : undefined,
      dependsOn: dependencies.map(({ _id }) => _id),
      ...{ isBlocked: isAnyOpen(dependencies), loggedMinutes: 0, position, customFields },
      ...{ estimateMinutes, remindMinutesBefore },
      ...{ startDate: dayIn(beginning, startIn), dueDate: dayIn(beginning, dueIn) },
      recurrence: recurrence && { ...recurrence, rrule: movedRule(recurrence.rrule, shift) },
    }),
  });
  return task._id;
}

/** Tasks wait for some that were made after them, such as parents for their parts. */
async function letWait(
  { store }: RuleContext,
  made: readonly Made[],
  planned: readonly PlannedTask[],
  begunAt: number,
): Promise<void> {
  const waiting = new Map<number, number[]>();
  for (const [at, { waitedForBy }] of planned.entries()) {
    for (const place of waitedForBy) {
      waiting.set(place, [...(waiting.get(place) ?? []), begunAt + at]);
    }
  }
  for (const [place, others] of waiting) {
    const task = await living(store, made, place);
    if (!task) continue;
    const dependencies: Task[] = [];
    for (const other of await allLiving(store, made, others)) {
      // Somebody may have let one of those before wait for this task meanwhile.
      const cycle = await cycleThrough({ store }, task, [other]);
      if (cycle === null) dependencies.push(other);
    }
    const known = task.customProperties.dependsOn;
    const dependsOn = [...known, ...dependencies.map(({ _id }) => _id)].slice(0, MAX_DEPENDENCIES);
    const isBlocked = task.customProperties.isBlocked || isAnyOpen(dependencies);
    await store.update(task, { customProperties: { dependsOn, isBlocked } });
  }
}

type Store = RuleContext["store"];

async function living(store: Store, made: readonly Made[], place: number): Promise<Task | null> {
  const id = made[place];
  return id ? await store.find("task", id) : null;
}

async function allLiving(
  store: Store,
  made: readonly Made[],
  places: readonly number[],
): Promise<Task[]> {
  const found = await Promise.all(places.map((place) => living(store, made, place)));
  return found.filter((task) => task !== null);
}

function dayIn(beginning: Beginning | null, days: number | undefined): number | undefined {
  if (beginning === null || days === undefined) return undefined;
  return startOfDay(daysLater(beginning.day, days), beginning.timeZone);
}

type Fields = { [F in keyof Properties<"task">]: Properties<"task">[F] | undefined };

function definedOnly(fields: Fields): Properties<"task"> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Properties<"task">;
}
