import { getConvexSize } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { dayOf } from "../kit/localTime";
import { MAX_BYTES } from "../kit/page";
import type { ObjectDoc, ObjectType } from "../ontology/registry";
import { isOfType } from "../ontology/reader";
import type { ObjectStore } from "../ontology/store";
import { tagsOf } from "../projects/tags";
import type { PlannedTask } from "../schemas/templateSchemas";
import { membersOf } from "../team/members";
import { requireProjectAction } from "../team/roles";
import { type Plan, planOf } from "./plan";

/** How a template is made from a project, once and for all: later changes of the project are not its. */
type Project = ObjectDoc<"project">;
type Template = ObjectDoc<"project_template">;
type Writes = { ctx: MutationCtx; store: ObjectStore };

export const MAX_TASKS = 2000;
export const MAX_LABELS = 200;
/** A step of the job that makes tasks deals with one row. */
const TASKS_PER_ROW = 25;
const BYTES_PER_ROW = 128 * 1024;

/**
 * Everybody in the organization sees a template, so that of a project which is its team's alone is made by
 * who may open it to them.
 * @throws FORBIDDEN; CONFLICT for a project with more than a template may have
 */
export async function takeTemplate(
  { ctx, store }: Writes,
  project: Project,
  { name, description }: { name: string; description?: string | undefined },
): Promise<Template> {
  const { visibility = "organization" } = project.customProperties;
  const action = visibility === "team" ? "change who sees it" : "work";
  await requireProjectAction(ctx, store.scope, project, action);
  const labels = await labelsOf(ctx, project);
  const plan = await planFor({ ctx, store }, project, labels);
  const team = await membersOf(ctx, project);
  const template = await store.insert("project_template", {
    ...{ subtype: "template", status: "active" },
    ...(description === undefined ? {} : { description }),
    customProperties: { name, taskCount: plan.tasks.length, roles: team.map(({ role }) => role) },
  });
  const rows = rowsOf(plan.tasks);
  const tags = (await tagsOf(ctx, project)).map(namedOnly);
  await ctx.db.insert("templateOutlines", {
    ...ofProject(project),
    ...{ organizationId: store.organizationId, templateId: template._id, tags, visibility },
    labels: labels.map(({ customProperties }) => namedOnly(customProperties)),
    ...{ origin: plan.origin, isDated: plan.isDated, span: plan.span },
    ...(plan.endIn === undefined ? {} : { endIn: plan.endIn }),
    size: rows.reduce((sum, { size }) => sum + size, 0),
  });
  const own = { organizationId: store.organizationId, templateId: template._id };
  for (const [place, { tasks }] of rows.entries()) {
    await ctx.db.insert("templateTasks", { ...own, place, tasks });
  }
  return template;
}

type Kept = "subtype" | "description" | "detailedDescription" | "priority" | "customFields";

function ofProject({
  subtype,
  description,
  customProperties,
}: Project): Pick<Doc<"templateOutlines">, Kept> {
  const { priority, customFields, detailedDescription } = customProperties;
  return {
    ...{ subtype, priority, customFields },
    ...(description === undefined ? {} : { description }),
    ...(detailedDescription === undefined ? {} : { detailedDescription }),
  };
}

function namedOnly({ name, color }: { name: string; color?: string | undefined }): {
  name: string;
  color?: string;
} {
  return { name, ...(color === undefined ? {} : { color }) };
}

async function planFor(
  { ctx, store }: Writes,
  project: Project,
  labels: readonly ObjectDoc<"task_label">[],
): Promise<Plan> {
  const { timeZone } = await store.settings();
  const { startDate, targetEndDate } = project.customProperties;
  const dayAt = (at: number | undefined): string | null =>
    at === undefined ? null : dayOf(at, timeZone);
  const plan = planOf({
    tasks: await tasksOf(ctx, project),
    labelIds: labels.map(({ _id }) => _id),
    ...{ start: dayAt(startDate), end: dayAt(targetEndDate) },
    fallback: dayOf(project.createdAt, timeZone),
    timeZone,
  });
  if (plan.tasks.length > MAX_TASKS) throw tooMany(`${MAX_TASKS} tasks`, MAX_TASKS);
  return plan;
}

async function tasksOf(ctx: MutationCtx, project: Project): Promise<ObjectDoc<"task">[]> {
  const tasks: ObjectDoc<"task">[] = [];
  let bytes = 0;
  for await (const row of livingOf(ctx, project, "task")) {
    bytes += getConvexSize(row);
    if (bytes > MAX_BYTES) throw tooMany("8 MiB of tasks", MAX_BYTES);
    if (isOfType(row, "task")) tasks.push(row);
  }
  return tasks;
}

async function labelsOf(ctx: MutationCtx, project: Project): Promise<ObjectDoc<"task_label">[]> {
  const labels = await livingOf(ctx, project, "task_label").take(MAX_LABELS + 1);
  if (labels.length > MAX_LABELS) throw tooMany(`${MAX_LABELS} labels`, MAX_LABELS);
  return labels.filter((label) => isOfType(label, "task_label"));
}

/** What belongs to a project, the first made first. */
function livingOf(
  ctx: MutationCtx,
  { organizationId, _id }: { organizationId: Id<"organizations">; _id: Id<"objects"> },
  type: ObjectType,
) {
  return ctx.db
    .query("objects")
    .withIndex("list_parentId", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("type", type)
        .eq("lifecycle", "live")
        .eq("parentId", _id),
    );
}

function tooMany(what: string, limit: number): ApiError {
  const message = `A template has at most ${what}, and this project has more: delete some, or move them to another project, first.`;
  return new ApiError("CONFLICT", message, { details: { limit } });
}

type Row = { tasks: PlannedTask[]; size: number };

function rowsOf(tasks: readonly PlannedTask[]): Row[] {
  const rows: Row[] = [];
  for (const task of tasks) {
    const size = getConvexSize(task);
    const last = rows.at(-1);
    if (last && last.tasks.length < TASKS_PER_ROW && last.size + size <= BYTES_PER_ROW) {
      last.tasks.push(task);
      last.size += size;
    } else rows.push({ tasks: [task], size });
  }
  return rows;
}
