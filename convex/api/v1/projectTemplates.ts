import * as z from "zod";
import { created, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { exampleId } from "../../kit/exampleId";
import { notFound } from "../../kit/errors";
import { pageThrough, pagingOf } from "../../kit/page";
import { pageParameters } from "../../kit/pageParameters";
import { schemasOf } from "../../ontology/fieldSchemas";
import { mappedView } from "../../ontology/fieldValues";
import { makeProject, MADE_AT_ONCE } from "../../templates/making";
import { MAX_LABELS, MAX_TASKS, takeTemplate } from "../../templates/taking";
import { projectFromTemplate, templateJobRecord, templateJobView } from "../../templates/views";
import { wish } from "../../templates/wishInput";
import { projectType } from "../../types/project/type";
import { projectTemplateType } from "../../types/projectTemplate/type";
import { endpointsOf } from "../typeEndpoints";

const tag = "Project templates";
const PATH = "/projects/templates";
const JOBS_PATH = "/projects/from-template";
const example = { name: "Website relaunch", description: "From kick-off to launch." };

export const { list, get, update, remove } = endpointsOf("project_template", {
  path: PATH,
  tag,
  one: "a project template",
  many: "project templates",
  descriptions: {
    list: "Everybody in the organization sees them.",
    update: "Its name and description; what projects are made of stays as it was taken.",
    remove: "Projects made from it stay. 409 while one is being made.",
  },
  examples: { create: example, update: { description: "From kick-off to handover." } },
});

export const take = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/template",
    tag,
    summary: "Make a template from a project",
    description: `Its tasks with their parts, labels and dependencies, its days counted from its start, its tags, own fields and the roles of its team, as they are now: at most ${MAX_TASKS} tasks and ${MAX_LABELS} labels. From a project which is its team's alone, a lead makes one: everybody in the organization sees templates.`,
    scope: "projects:write",
    subject: "project",
    body: () => schemasOf(projectTemplateType).creation,
    example,
    answers: { 201: () => schemasOf(projectTemplateType).record },
    errors: ["FORBIDDEN", "CONFLICT"],
  },
  async ({ store, ...ctx }, { subject, body }) => {
    const template = await takeTemplate({ ctx, store }, subject, body);
    return created(mappedView(projectTemplateType.map, template), { version: template.version });
  },
);

export const make = writeEndpoint(
  {
    method: "POST",
    path: JOBS_PATH,
    tag,
    summary: "Make a project from a template",
    description: `It begins as a draft, as any other. Up to ${MADE_AT_ONCE} tasks are made with it; more by a job: \`jobId\` says which, and \`GET ${JOBS_PATH}/:id\` how far it is.`,
    scope: "projects:write",
    body: wish,
    example: {
      templateId: exampleId("templateId"),
      name: "Relaunch for Nordlicht Energie",
      startDate: "2026-09-01",
    },
    answers: { 201: projectFromTemplate },
    errors: ["NOT_FOUND", "CONFLICT"],
  },
  async ({ store, organization, ...ctx }, { body }) => {
    const { project, jobId } = await makeProject({ ctx, store, organization }, body, Date.now());
    const view = { ...mappedView(projectType.map, project), jobId };
    return created(view, { version: project.version });
  },
);

export const listJobs = readEndpoint(
  {
    method: "GET",
    path: JOBS_PATH,
    tag,
    summary: "List the jobs that make projects from templates, the latest first",
    description: "Those of projects that you see.",
    scope: "projects:read",
    query: () => z.strictObject(pageParameters()),
    list: true,
    answers: { 200: () => z.array(templateJobRecord()) },
  },
  async (ctx, { query }) => {
    const { organizationId } = ctx.caller;
    const jobs = ctx.db
      .query("templateJobs")
      .withIndex("by_organization", (q) => q.eq("organizationId", organizationId))
      .order("desc");
    const { rows, meta } = await pageThrough("templateJobs", pagingOf(query), jobs);
    const seen = await Promise.all(
      rows.map(async (row) => ((await ctx.tenant.seesWhatIsAbout(row.projectId)) ? [row] : [])),
    );
    return ok(seen.flat().map(templateJobView), { meta: { ...meta, total: null } });
  },
);

export const getJob = readEndpoint(
  {
    method: "GET",
    path: `${JOBS_PATH}/:id`,
    tag,
    summary: "Get how far a project from a template is",
    description:
      "`cancelled` where the project was deleted or archived meanwhile; what failed in between is tried again by itself.",
    scope: "projects:read",
    params: () => z.object({ id: z.string() }),
    answers: { 200: templateJobRecord },
    errors: ["NOT_FOUND"],
  },
  async (ctx, { params }) => {
    const job = await ctx.tenant.own("templateJobs", params.id);
    if (!(await ctx.tenant.seesWhatIsAbout(job.projectId))) throw notFound("job");
    return ok(templateJobView(job));
  },
);
