import { type ObjectType, v } from "convex/values";
import { mutation, query, type QueryCtx } from "./_generated/server";
import type { Id } from "./_generated/dataModel";
import { boardOf, type Column } from "./boards/board";
import { type CalendarEntry, calendarOf } from "./boards/calendar";
import { calendarSpan } from "./boards/span";
import { type Workload, workloadOf } from "./boards/workload";
import type { Caller } from "./kit/caller";
import { under } from "./kit/errors";
import { parseArgument } from "./kit/input";
import { mergedChanges } from "./kit/mergePatch";
import { callerAt, callerIn, sessionArgument } from "./kit/live";
import { organizationOf } from "./kit/own";
import { oneOf } from "./kit/oneOf";
import { writeAt } from "./kit/liveWrites";
import { creationArguments, updateArguments } from "./live/arguments";
import { withMeantNames } from "./live/names";
import { liveReadsOf } from "./live/reads";
import { type LiveRecord, liveRecordOf, type LiveView, liveViewOf } from "./live/view";
import { liveWritesOf } from "./live/writes";
import { schemasOf } from "./ontology/fieldSchemas";
import { changeRecord, createRecord } from "./ontology/records";
import { moveTask as move } from "./tasks/move";
import { runningTimer } from "./time/timers";
import { timeView, type TimeView } from "./time/view";
import { taskType } from "./types/task/type";

/** The dashboard's live functions of tasks: what they take and answer is as over HTTP. */
const names = { area: "projects", idName: "taskId" } as const;
const reads = liveReadsOf("task", names);
const writes = liveWritesOf("task", names);
const { projectId: _projectId, ...creation } = creationArguments(taskType);
type Task = LiveView<"task">;
type LiveBoard = {
  projectId: Id<"objects">;
  columns: (Omit<Column, "tasks"> & { tasks: LiveRecord<"task">[] })[];
};

/** The newest 1,000 tasks, of one project where `projectId` is given. */
export const getTasks = reads.list;
export const getTasksPaginated = reads.listPaginated;
export const getTask = reads.get;
export const deleteTask = writes.remove;

/** In a project, last in its column. */
export const createTask = mutation({
  args: {
    ...sessionArgument,
    organizationId: v.optional(v.string()),
    projectId: v.string(),
    data: v.object(creation),
  },
  handler: async (ctx, { sessionId, projectId, data }): Promise<Task> => {
    const project = { type: "project", id: projectId } as const;
    const sent = withMeantNames({ ...data, projectId }, "customFields");
    const place = under("data");
    return await writeAt(ctx, sessionId, project, "projects:write", place, async (by) => {
      const fields = parseArgument("data", schemasOf(taskType).creation, sent, by.organization);
      return liveViewOf(await createRecord(by, "task", fields));
    });
  },
});

/** `force`: done, although it waits for open ones. */
export const updateTask = mutation({
  args: {
    ...sessionArgument,
    taskId: v.string(),
    updates: v.object({ ...updateArguments(taskType), force: v.optional(v.boolean()) }),
  },
  handler: async (ctx, { sessionId, taskId, updates }): Promise<Task> => {
    const { force, ...given } = updates as Record<string, unknown>;
    const subject = { type: "task", id: taskId } as const;
    const schemas = schemasOf(taskType);
    const place = under("updates");
    return await writeAt(ctx, sessionId, subject, "projects:write", place, async (by, task) => {
      const reading = { timeZone: by.organization.timeZone, isChange: true };
      const sent = withMeantNames(given, "customFields");
      const patch = parseArgument("updates", schemas.patch, sent, reading);
      const fields = mergedChanges(schemas.update, task.customProperties, patch);
      return liveViewOf(await changeRecord({ ...by, isForced: force === true }, task, fields));
    });
  },
});

/** Right before or after another task, into a column, or to the end of one. */
export const moveTask = mutation({
  args: {
    ...sessionArgument,
    taskId: v.string(),
    before: v.optional(v.string()),
    after: v.optional(v.string()),
    status: v.optional(oneOf(taskType.statuses)),
    force: v.optional(v.boolean()),
  },
  handler: async (ctx, { sessionId, taskId, force, ...to }): Promise<Task> => {
    const subject = { type: "task", id: taskId } as const;
    return await writeAt(ctx, sessionId, subject, "projects:write", under(""), async (by, task) =>
      liveViewOf(await move({ ...by, isForced: force === true }, task, to)),
    );
  },
});

/** A project's board, see `GET /projects/:id/board`. */
export const getBoard = query({
  args: { ...sessionArgument, projectId: v.string() },
  handler: async (ctx, { sessionId, projectId }): Promise<LiveBoard> => {
    const at = await callerAt(ctx, sessionId, "project", projectId, "projects:read");
    const columns = await boardOf(ctx, at.caller, at.object._id);
    const shown = columns.map(({ tasks, ...column }) => ({
      ...column,
      tasks: tasks.map((task) => liveRecordOf(task)),
    }));
    return { projectId: at.object._id, columns: shown };
  },
});

const daysArguments = {
  ...sessionArgument,
  organizationId: v.id("organizations"),
  from: v.union(v.number(), v.string()),
  to: v.union(v.number(), v.string()),
};

/** What falls on the days from one up to another, see `GET /calendar`. */
export const getCalendar = query({
  args: daysArguments,
  handler: async (ctx, args): Promise<CalendarEntry[]> => {
    const { caller, span } = await daysAsked(ctx, args);
    return await calendarOf(ctx, caller, span);
  },
});

/** What everybody has to do in these days, see `GET /workload`. */
export const getWorkload = query({
  args: daysArguments,
  handler: async (ctx, args): Promise<Workload[]> => {
    const { caller, span } = await daysAsked(ctx, args);
    return await workloadOf(ctx, caller, span);
  },
});

async function daysAsked(
  ctx: QueryCtx,
  { sessionId, organizationId, from, to }: ObjectType<typeof daysArguments>,
): Promise<{ caller: Caller; span: { from: number; to: number } }> {
  const { caller } = await callerIn(ctx, sessionId, organizationId, "projects:read");
  const span = parseArgument("", calendarSpan(), { from, to }, await organizationOf(ctx, caller));
  return { caller, span };
}

/** The entry of one's own timer that runs in the organization; null where none does. */
export const getRunningTimer = query({
  args: { ...sessionArgument, organizationId: v.id("organizations") },
  handler: async (ctx, { sessionId, organizationId }): Promise<TimeView | null> => {
    const { caller } = await callerIn(ctx, sessionId, organizationId, "projects:read");
    const running =
      caller.kind === "user" ? await runningTimer(ctx, organizationId, caller.id) : null;
    return running && timeView(running);
  },
});
