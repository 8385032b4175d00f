import * as z from "zod";
import { created, noContent, ok, writeEndpoint, type WriteFunction } from "../../kit/endpoint";
import type { Caller } from "../../kit/caller";
import { exampleId } from "../../kit/exampleId";
import { invalidIn } from "../../kit/errors";
import { once } from "../../kit/once";
import { idFilter, severalOf } from "../../kit/several";
import { addDependency, removeDependency } from "../../tasks/waiting";
import { moveTask } from "../../tasks/move";
import { batchItems, type TaskItem } from "../../ontology/batch";
import { dueParameters } from "../../ontology/list";
import { schemasOf } from "../../ontology/fieldSchemas";
import { mappedView } from "../../ontology/fieldValues";
import { NOBODY, taskType } from "../../types/task/type";
import { bulk, bulkAnswer, bulkBody, bulkDescription, MAX_ITEMS } from "../bulk";
import { endpointsOf, forcing, type RouteWords } from "../typeEndpoints";

const tag = "Tasks";
const PROJECT_PATH = "/projects/:id/tasks";
const inProject = { type: "project", param: "taskId", field: "projectId" } as const;

const words: Omit<RouteWords, "path" | "examples"> = {
  tag,
  one: "a task",
  many: "tasks",
  isForceable: true,
  filters: () => ({
    ...dueParameters(),
    assignee: severalOf(z.string().max(64), {
      description: "Ids of members; `me` is oneself, `none` means unassigned.",
    }),
    labels: idFilter(),
  }),
  meant: (query, caller) => ({ ...query, assignee: assigneesMeant(query.assignee, caller) }),
  descriptions: {
    list: "Those of the projects that you see. Mine: `assignee=me`; unassigned: `assignee=none`; overdue: `dueTo` yesterday with the open statuses. `sort=position` is the order of a board's column.",
    create: "It begins as `todo`, last in its column, and gets the next key of its project.",
    update:
      "Given fields change, `null` clears; lists are replaced as a whole. A task that waits for open ones becomes `done` only with `force: true`.",
    remove: "Its parts go with it, and nothing waits for it any more.",
  },
};

const fields = {
  title: "Draft the sitemap",
  priority: "high",
  dueDate: "2026-10-02",
  estimateMinutes: 180,
};
const change = { status: "in_progress", estimateMinutes: 240 };

/** Over all projects. */
export const { list, create, get, update, remove } = endpointsOf("task", {
  ...words,
  path: "/tasks",
  examples: { create: { projectId: exampleId("projectId"), ...fields }, update: change },
});

const nested = endpointsOf("task", {
  ...words,
  path: PROJECT_PATH,
  within: inProject,
  examples: { create: fields, update: change },
});
export const listOfProject = nested.list;
export const createInProject = nested.create;
export const getInProject = nested.get;
export const updateInProject = nested.update;
export const removeInProject = nested.remove;

export const bulkInProject = writeEndpoint(
  {
    method: "POST",
    path: `${PROJECT_PATH}/bulk`,
    tag,
    summary: "Create and change many tasks of a project",
    description: bulkDescription,
    scope: "projects:write",
    subject: "project",
    body: bulkBody,
    bodyLimit: 8 * 1024 * 1024,
    documentedBody: () =>
      bulkBody().extend({ items: z.array(batchItems().task).min(1).max(MAX_ITEMS) }),
    example: { items: [fields, { title: "Choose the typefaces", dueDate: "2026-10-09" }] },
    answers: { 200: bulkAnswer },
  },
  async (ctx, { subject, body }) =>
    await bulk(ctx, "task", body, (item): TaskItem => ({ projectId: subject._id, item })),
);

const labels = endpointsOf("task_label", {
  path: `${PROJECT_PATH}/labels`,
  within: { type: "project", param: "labelId", field: "projectId" },
  tag,
  one: "a label of a project's tasks",
  many: "the labels of a project's tasks",
  descriptions: { remove: "The tasks that have it lose it." },
  examples: { create: { name: "Design", color: "#1e90ff" }, update: { name: "Concept" } },
});
export const listLabels = labels.list;
export const createLabel = labels.create;
export const getLabel = labels.get;
export const updateLabel = labels.update;
export const removeLabel = labels.remove;

const move = once(() =>
  z
    .strictObject({
      before: z.string().max(64).optional().meta({ description: "The task that then follows it." }),
      after: z.string().max(64).optional().meta({ description: "The task that it then follows." }),
      status: z.enum(taskType.statuses).optional().meta({ description: "The column." }),
      ...forcing(),
    })
    .refine(
      ({ before, after }) => before === undefined || after === undefined || before !== after,
      {
        path: ["after"],
        message: "must be another task than before",
      },
    )
    .meta({ id: "TaskMove" }),
);

/** Below its project, and by itself: one route each, and one function. */
type Place = { path: string; within?: typeof inProject };
const flat = (rest: string): Place => ({ path: `/tasks/:id/${rest}` });
const ofProject = (rest: string): Place => ({
  path: `${PROJECT_PATH}/:taskId/${rest}`,
  within: inProject,
});

const moveAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Move a task",
      description:
        "Right before or after another one of its project, into a column (`status`), or to the end of one. No other task is changed.",
      scope: "projects:write",
      subject: "task",
      body: move,
      example: { status: "in_progress" },
      answers: { 200: () => schemasOf(taskType).record },
      errors: ["INVALID_STATE", "NOT_FOUND", "CONFLICT"],
    },
    async ({ store, ...ctx }, { subject, body: { force, ...to } }) => {
      const task = await moveTask({ ctx, store, isForced: force === true }, subject, to);
      return ok(mappedView(taskType.map, task), { version: task.version });
    },
  );
export const moveOne = moveAt(flat("move"));
export const moveInProject = moveAt(ofProject("move"));

const dependency = once(() =>
  z.object({ taskId: z.string(), dependsOnId: z.string() }).meta({ id: "TaskDependency" }),
);
const otherTask = (): z.ZodObject<{ otherTaskId: z.ZodString }> =>
  z.object({ otherTaskId: z.string() });

const dependAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "POST",
      ...place,
      tag,
      summary: "Let a task wait for another one",
      description: "Of its project. 201, and 200 where it waits for that one already.",
      scope: "projects:write",
      subject: "task",
      params: otherTask,
      answers: { 200: dependency, 201: dependency },
      errors: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ store, ...ctx }, { subject, params }) => {
      const other = await store.require("task", params.otherTaskId);
      const { task, isNew } = await addDependency({ ctx, store }, subject, other);
      const answer = { taskId: task._id, dependsOnId: other._id };
      return (isNew ? created : ok)(answer, { version: task.version });
    },
  );
export const dependOn = dependAt(flat("depends-on/:otherTaskId"));
export const dependOnInProject = dependAt(ofProject("depends-on/:otherTaskId"));

const releaseAt = (place: Place): WriteFunction =>
  writeEndpoint(
    {
      method: "DELETE",
      ...place,
      tag,
      summary: "Let a task wait for another one no longer",
      scope: "projects:write",
      subject: "task",
      params: otherTask,
      answers: { 204: null },
      errors: ["NOT_FOUND"],
    },
    async ({ store, ...ctx }, { subject, params }) => {
      await removeDependency({ ctx, store }, subject, params.otherTaskId);
      return noContent;
    },
  );
export const release = releaseAt(flat("depends-on/:otherTaskId"));
export const releaseInProject = releaseAt(ofProject("depends-on/:otherTaskId"));

/** @throws VALIDATION_ERROR where `me` is nobody who could be assigned */
function assigneesMeant(asked: unknown, caller: Caller): string[] | undefined {
  if (asked === undefined) return undefined;
  return (asked as string[]).map((assignee) => {
    if (assignee !== "me") return assignee;
    if (caller.kind === "user") return caller.id;
    throw invalidIn("query", "assignee", `me is a member of staff; take an id, or ${NOBODY}`);
  });
}
