import { dayOf, daysBetween, startOfDay } from "../kit/localTime";
import { Temporal } from "temporal-polyfill";
import { rankBetween } from "../ontology/ranks";
import type { ObjectDoc, Properties } from "../ontology/registry";
import { nextSerial } from "../ontology/serials";
import type { RuleContext } from "../ontology/typeRules";
import { whoSee } from "./assignees";
import { lastRank } from "./column";
import { partsOf } from "./parts";
import { occurrenceAfter } from "./recurrence";

type Task = ObjectDoc<"task">;

/**
 * The next of a recurring task, made when this one is done or cancelled, once: one that is opened and done
 * again, or done on two devices, has its successor already. This one stays as it is; its parts are copied
 * open, and the next waits for nothing.
 */
export async function succeed(context: RuleContext, task: Task): Promise<Task> {
  const { recurrence, successorId } = task.customProperties;
  if (recurrence === undefined || successorId !== undefined) return task;
  const shift = await shiftOf(context, task);
  if (shift === null) return task;
  const next = await copyOf(context, task, shift, { recurrence });
  for (const part of await partsOf(context, task)) {
    await copyOf(context, part, shift, { parentTaskId: next._id });
  }
  return await context.store.update(task, { customProperties: { successorId: next._id } });
}

type Shift = (at: number | undefined) => number | undefined;

/** How far its days move; null where the rule has come to its end. */
async function shiftOf({ store }: RuleContext, task: Task): Promise<Shift | null> {
  const { recurrence, dueDate } = task.customProperties;
  if (recurrence === undefined) return null;
  const { timeZone } = await store.settings();
  const today = dayOf(Date.now(), timeZone);
  const due = dueDate === undefined ? today : dayOf(dueDate, timeZone);
  const start = recurrence.from === "due" ? due : today;
  // What was done late does not come again on days that have passed.
  const after = recurrence.from === "due" && due > today ? due : today;
  const next = occurrenceAfter(recurrence.rrule, start, after);
  if (next === null) return null;
  const days = daysBetween(due, next);
  return (at) => {
    if (at === undefined) return undefined;
    const day = Temporal.PlainDate.from(dayOf(at, timeZone)).add({ days });
    return startOfDay(day.toString(), timeZone);
  };
}

async function copyOf(
  context: RuleContext,
  task: Task,
  shift: Shift,
  more: Partial<Properties<"task">>,
): Promise<Task> {
  const { ctx, store } = context;
  const { projectId, name, priority, labelIds, estimateMinutes } = task.customProperties;
  const assigneeIds = await whoSee(context, projectId, task.customProperties.assigneeIds);
  const { remindMinutesBefore, customFields, startDate, dueDate } = task.customProperties;
  const project = await store.require("project", projectId);
  const position = rankBetween(await lastRank(context, projectId, "todo"), null);
  const serial = await nextSerial(ctx, store.organizationId, `task:${projectId}`);
  const { projectCode } = project.customProperties;
  const dueAgain = shift(dueDate) ?? (more.recurrence ? shift(Date.now()) : undefined);
  return await store.insert("task", {
    subtype: "task",
    status: "todo",
    ...(task.description === undefined ? {} : { description: task.description }),
    customProperties: {
      ...{ projectId, key: `${projectCode}-${serial}`, name, priority, assigneeIds, labelIds },
      ...{ dependsOn: [], isBlocked: false, loggedMinutes: 0, position, customFields },
      ...given({
        estimateMinutes,
        remindMinutesBefore,
        startDate: shift(startDate),
        dueDate: dueAgain,
      }),
      ...more,
    },
  });
}

function given<Fields extends object>(
  fields: Fields,
): { [F in keyof Fields]: Exclude<Fields[F], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [F in keyof Fields]: Exclude<Fields[F], undefined> };
}
