import * as z from "zod";
import type { CallerKind } from "../../kit/caller";
import { created, noContent, ok, readEndpoint, writeEndpoint } from "../../kit/endpoint";
import { mergedChanges } from "../../kit/mergePatch";
import { idFilter, severalOf } from "../../kit/several";
import { archiveParameter, listObjects, listParametersOf, listRequest } from "../../ontology/list";
import {
  projectCreation,
  projectPriority,
  projectRecord,
  projectStatus,
  projectSubtype,
  projectPatch,
  projectUpdate,
} from "../../ontology/projectInput";
import {
  archiveProject,
  changeProject,
  createProject,
  deleteProject,
} from "../../ontology/projectRules";
import { projectView } from "../../ontology/projectView";

const tag = "Projects";

/** A portal user reads the projects of their contact and of its CRM organization. */
const readers: readonly CallerKind[] = ["api_key", "user", "portal_user"];

export const list = readEndpoint(
  {
    method: "GET",
    path: "/projects",
    tag,
    summary: "List or search projects",
    description:
      "A portal user gets their own: those of their contact and of its CRM organization.",
    scope: "projects:read",
    callers: readers,
    saysUndefined: ["subtype", "status", "priority", "limit", "offset"],
    query: z.strictObject({
      ...listParametersOf("project"),
      ...archiveParameter,
      subtype: severalOf(projectSubtype),
      status: severalOf(projectStatus),
      priority: severalOf(projectPriority),
      clientOrgId: idFilter,
      projectCode: severalOf(z.string().max(40), { commas: false }),
    }),
    list: true,
    answers: { 200: z.array(projectRecord) },
  },
  async (ctx, { query }) => {
    const request = listRequest("project", query);
    const { rows, meta } = await listObjects(ctx, ctx.caller, "project", request);
    return ok(rows.map(projectView), { meta });
  },
);

export const create = writeEndpoint(
  {
    method: "POST",
    path: "/projects",
    tag,
    summary: "Create a project",
    description:
      "It begins as a draft, and gets the next code of the year: `PRJ-2026-001`. A caller's own fields go into `customProperties`.",
    scope: "projects:write",
    body: projectCreation,
    example: {
      subtype: "client_project",
      name: "Website relaunch",
      description: "A new site in German and English.",
      startDate: "2026-09-01",
      targetEndDate: "2026-12-18",
      budget: { amount: 18500, currency: "EUR" },
      priority: "high",
    },
    answers: { 201: projectRecord },
    errors: ["NOT_FOUND"],
  },
  async ({ store, organization, ...ctx }, { body }) => {
    const project = await createProject(ctx, store, organization, body);
    return created(projectView(project), { version: project.version });
  },
);

export const get = readEndpoint(
  {
    method: "GET",
    path: "/projects/:id",
    tag,
    summary: "Get a project",
    scope: "projects:read",
    callers: readers,
    subject: "project",
    answers: { 200: projectRecord },
  },
  async (_ctx, { subject }) => ok(projectView(subject), { version: subject.version }),
);

export const update = writeEndpoint(
  {
    method: "PATCH",
    path: "/projects/:id",
    tag,
    summary: "Change a project",
    description:
      "Given fields change, those of the budget one by one; `null` clears. Contacts and `customProperties` are replaced as a whole. A status follows the workflow: draft → planning → active ⇄ on_hold; planning → on_hold; active → completed; any open one → cancelled.",
    scope: "projects:write",
    subject: "project",
    body: projectPatch,
    example: { name: "Website relaunch, phase 2", progress: 40, targetEndDate: "2027-01-29" },
    answers: { 200: projectRecord },
    errors: ["INVALID_STATE"],
  },
  async ({ store }, { subject, body }) => {
    const project = await changeProject(
      store,
      subject,
      mergedChanges(projectUpdate, subject.customProperties, body),
    );
    return ok(projectView(project), { version: project.version });
  },
);

export const archive = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/archive",
    tag,
    summary: "Archive a project",
    description: "It is cancelled and leaves the lists, unless they ask for `includeArchived`.",
    scope: "projects:write",
    subject: "project",
    answers: { 200: projectRecord },
    errors: ["INVALID_STATE"],
  },
  async ({ store }, { subject }) => {
    const project = await archiveProject(store, subject);
    return ok(projectView(project), { version: project.version });
  },
);

export const remove = writeEndpoint(
  {
    method: "DELETE",
    path: "/projects/:id",
    tag,
    summary: "Delete a draft project",
    description: "Staff must be owner, a key needs `projects:delete`. Any other is archived.",
    scope: "projects:delete",
    subject: "project",
    answers: { 204: null },
    errors: ["INVALID_STATE", "CONFLICT"],
  },
  async ({ store }, { subject }) => {
    await deleteProject(store, subject);
    return noContent;
  },
);
