import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType, mappedColumns } from "../../ontology/mappedType";
import { PRIORITIES } from "../project/type";

export const MAX_DEPENDENCIES = 50;
/** What `assignee=none` asks for. */
export const NOBODY = "none";

const MAX_MINUTES = 60_000;
const YEAR_OF_MINUTES = 525_600;

const taskFields = {
  projectId: field.reference("project", { filter: "parentId" }).fixed,
  key: field.label(60, {
    isSearched: true,
    filter: "lookupKey",
    description: "The project's code and the task's number in it: `PRJ-2026-001-14`.",
  }).derived,
  name: field.label(200, { isSearched: true }).required,
  priority: field.oneOf(PRIORITIES, { filter: "facet" }).beginning("medium"),
  assigneeIds: field
    .members(20, { description: "Members of the organization who see the project." })
    .beginning([]),
  labelIds: field
    .references("task_label", 20, { description: "Labels of its project." })
    .beginning([]),
  parentTaskId: field.reference("task", {
    filter: "subjectId",
    description: "The task that it is a part of; parts have none of their own.",
  }).optional,
  dependsOn: field
    .references("task", MAX_DEPENDENCIES, {
      linkType: "waits_for",
      description: "Tasks of its project that it waits for.",
    })
    .beginning([]),
  isBlocked: field.flag({ description: "Whether a task that it waits for is open." }).derived,
  startDate: field.day().optional,
  dueDate: field.day().optional,
  estimateMinutes: field.number(0, MAX_MINUTES).optional,
  loggedMinutes: field.number(0, Number.MAX_SAFE_INTEGER).derived,
  position: field.rank({ description: "Its place in its column, compared byte by byte." }).filled,
  recurrence: field.recurrence({
    description: "When it is done or cancelled, the next is made by it.",
  }).optional,
  /** The one that was made when this one was done. */
  successorId: field.reference("task").derivedOptional,
  remindMinutesBefore: field.number(0, YEAR_OF_MINUTES, {
    description: "So long before the end of the day on which it is due its assignees are told.",
  }).optional,
  completedAt: field.time().derivedOptional,
  customFields: field.ownFields(),
};

/** A piece of a project that somebody does. */
export const taskType = defineMappedType({
  type: "task",
  resource: "task",
  area: "projects",
  subtypes: ["task"],
  statuses: ["todo", "in_progress", "in_review", "done", "cancelled"],
  verbs: [...CHANGED, "completed", "relinked"],
  map: {
    shape: "flat",
    begins: { subtype: "task", status: "todo" },
    statusIsGiven: true,
    isDescribed: true,
    describedUpTo: 20_000,
    nameAs: "title",
    hides: ["subtype"],
    fields: taskFields,
  },
  belongsTo: "project",
  columns({ description, customProperties: task }) {
    const { dueDate, position } = task;
    return {
      ...mappedColumns(taskFields, task, description),
      ...(dueDate === undefined ? {} : { dueAt: dueDate }),
      rank: position,
    };
  },
  terms: {
    filters: ["assignee", "labels"],
    of: ({ customProperties: { assigneeIds, labelIds } }) => ({
      assignee: assigneeIds.length > 0 ? assigneeIds : [NOBODY],
      labels: labelIds,
    }),
  },
  sumsBegan: "later",
  sums: ({ customProperties: { estimateMinutes = 0 } }): Record<string, bigint> => ({
    planned: BigInt(Math.round(estimateMinutes)),
  }),
  sorts: { position: "rank", dueDate: "dueAt" },
});

/** Whether somebody has still to do it. */
export function isOpen(status: string): boolean {
  return status !== "done" && status !== "cancelled";
}
