import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { unpackCustomFields } from "../kit/customFields";
import { invalidFields, missingReference } from "../kit/errors";
import { type Day, dayOf, daysBetween, daysLater, startOfDay } from "../kit/localTime";
import { readTime } from "../kit/time";
import { jobScopeOf } from "../ontology/effects";
import { createRecord } from "../ontology/records";
import type { ObjectDoc } from "../ontology/registry";
import { insertTags } from "../projects/tags";
import type { Beginning } from "../schemas/templateSchemas";
import { takeIn } from "../team/inviting";
import type { TeamContext } from "../team/members";
import type { ProjectRole } from "../team/roles";
import { beginTasks } from "./jobs";
import { makeTasks, type Making } from "./tasks";

/** How a project is made from a template. */
type Project = ObjectDoc<"project">;
type Outline = Doc<"templateOutlines">;
type Role = ProjectRole;

/** So many tasks, of so many bytes, are made in the transaction that makes the project; more by a job. */
export const MADE_AT_ONCE = 200;
const BYTES_AT_ONCE = 1024 * 1024;

type Wish = {
  templateId: string;
  name: string;
  /** Today in the organization's zone where the template has days, and nothing is said. */
  startDate?: number | undefined;
  subtype?: string | undefined;
  clientOrgId?: string | undefined;
  /** Who has no role here gets the next one of the template. */
  members?: readonly { userId: string; role?: Role | undefined }[] | undefined;
};

/**
 * @returns the job that makes its tasks, where they are many
 * @throws PROJECT_TEMPLATE_NOT_FOUND; VALIDATION_ERROR for a start from which the template's days do not lie in
 *   the range of dates; MEMBER_NOT_FOUND; what creating a project throws
 */
export async function makeProject(
  context: TeamContext,
  { templateId, name, startDate, subtype, clientOrgId, members = [] }: Wish,
  now: number,
): Promise<{ project: Project; jobId: Id<"templateJobs"> | null }> {
  const { ctx, store } = context;
  const template = await store.find("project_template", templateId);
  if (!template) throw missingReference("project template", "templateId");
  const outline = await outlineOf(ctx, template._id);
  const { timeZone } = await store.settings();
  const startsAt = startDate ?? (outline.isDated ? now : undefined);
  const beginning = startsAt === undefined ? null : { day: dayOf(startsAt, timeZone), timeZone };
  if (beginning && outline.isDated) requireInRange(outline, beginning);
  const team = await teamNamed(context, template, members);
  const { description, detailedDescription, priority, visibility, customFields } = outline;
  const { endIn } = outline;
  const project = await createRecord({ ctx, store }, "project", {
    ...{ name, subtype: subtype ?? outline.subtype, priority, visibility },
    ...definedOnly({ description, detailedDescription, clientOrgId }),
    ...definedOnly({ startDate: startDate ?? (beginning && dayAt(beginning, 0)) ?? undefined }),
    ...(endIn === undefined || !beginning ? {} : { targetEndDate: dayAt(beginning, endIn) }),
    customProperties: unpackCustomFields(customFields),
    ...(outline.tags.length === 0 ? {} : { tagNames: outline.tags.map((tag) => tag.name) }),
  });
  await insertTags(ctx, project, outline.tags, now);
  for (const { userId, role } of team) await takeIn(context, project, userId, role);
  const labelIds: Id<"objects">[] = [];
  for (const label of outline.labels) {
    const customProperties = { projectId: project._id, ...label };
    const input = { subtype: "label", status: "active", customProperties } as const;
    labelIds.push((await store.insert("task_label", input))._id);
  }
  const shift = beginning && outline.isDated ? daysBetween(outline.origin, beginning.day) : 0;
  const making = { project, beginning, shift, made: [], labelIds };
  const { taskCount } = template.customProperties;
  if (taskCount <= MADE_AT_ONCE && outline.size <= BYTES_AT_ONCE) {
    await makeAll(context, template._id, making);
    return { project, jobId: null };
  }
  const scope = jobScopeOf(store.scope);
  const jobId = await beginTasks(ctx, { scope, templateId: template._id, taskCount }, making, now);
  return { project, jobId };
}

async function makeAll(
  context: TeamContext,
  templateId: Id<"objects">,
  making: Making,
): Promise<void> {
  const rows = context.ctx.db
    .query("templateTasks")
    .withIndex("by_template", (q) => q.eq("templateId", templateId));
  const planned = (await rows.take(MADE_AT_ONCE)).flatMap(({ tasks }) => tasks);
  if (planned.length > 0) await makeTasks(context, making, planned);
}

async function outlineOf(ctx: QueryCtx, templateId: Id<"objects">): Promise<Outline> {
  const outline = await ctx.db
    .query("templateOutlines")
    .withIndex("by_template", (q) => q.eq("templateId", templateId))
    .unique();
  if (!outline) throw new Error(`Template ${templateId} has no outline.`);
  return outline;
}

function dayAt({ day, timeZone }: Beginning, days: number): number {
  return startOfDay(daysLater(day, days), timeZone);
}

/** @throws VALIDATION_ERROR */
function requireInRange({ span }: Outline, { day, timeZone }: Beginning): void {
  const isIn = (at: Day): boolean =>
    readTime(at, { edge: "first", timeZone, isBusiness: true }).problem === undefined;
  const [from, to] = [daysLater(day, span.from), daysLater(day, span.to)];
  if (isIn(from) && isIn(to)) return;
  const message = `the template's days would reach from ${from} to ${to}; they must lie between 1990-01-01 and 2300-01-01`;
  throw invalidFields([{ field: "startDate", message }]);
}

type Place = { userId: Id<"users">; role: Role };

/** Of people who are in the organization now, without the one who makes the project and so leads it. */
async function teamNamed(
  { store }: TeamContext,
  template: ObjectDoc<"project_template">,
  members: NonNullable<Wish["members"]>,
): Promise<Place[]> {
  const { actor } = store.scope;
  const isMaker = (id: string): boolean => actor.type === "user" && actor.id === id;
  const seats = [...template.customProperties.roles] as Role[];
  const take = (role: Role): Role => {
    const at = seats.indexOf(role);
    if (at !== -1) seats.splice(at, 1);
    return role;
  };
  if (actor.type === "user") take("lead");
  for (const { userId, role } of members) if (role && !isMaker(userId)) take(role);
  const team = new Map<Id<"users">, Place>();
  for (const [at, { userId: id, role }] of members.entries()) {
    const userId = await store.findMember(id);
    if (!userId) throw missingReference("member", `members.${at}.userId`);
    if (team.has(userId)) {
      throw invalidFields([{ field: `members.${at}.userId`, message: "is named twice" }]);
    }
    if (isMaker(userId) && role !== undefined && role !== "lead") {
      const message = "must be lead: who makes a project leads it";
      throw invalidFields([{ field: `members.${at}.role`, message }]);
    }
    const seat = isMaker(userId) ? "lead" : (role ?? seats.shift() ?? "member");
    team.set(userId, { userId, role: seat });
  }
  return [...team.values()].filter(({ userId }) => !isMaker(userId));
}

function definedOnly(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
