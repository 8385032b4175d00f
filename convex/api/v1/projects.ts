import * as z from "zod";
import { ok, writeEndpoint } from "../../kit/endpoint";
import { severalOf } from "../../kit/several";
import { endpointsOf } from "../typeEndpoints";
import { mappedView } from "../../ontology/fieldValues";
import { schemasOf } from "../../ontology/fieldSchemas";
import { archiveProject } from "../../types/project/rules";
import { projectType } from "../../types/project/type";

const tag = "Projects";

export const { list, create, get, update, remove } = endpointsOf("project", {
  path: "/projects",
  tag,
  one: "a project",
  many: "projects",
  /** A portal user reads the projects of their contact and of its CRM organization. */
  readers: ["api_key", "user", "portal_user"],
  saysUndefined: ["subtype", "status", "priority", "limit", "offset"],
  isArchived: true,
  filters: () => ({
    tags: severalOf(z.string().max(50), {
      description: "Names of tags, see `GET /projects/:id/tags`.",
    }),
  }),
  summaries: { remove: "Delete a draft project" },
  descriptions: {
    list: "A portal user gets their own: those of their contact and of its CRM organization.",
    create:
      "It begins as a draft, and gets the next code of the year: `PRJ-2026-001`. A caller's own fields go into `customProperties`.",
    update:
      "Given fields change, those of the budget one by one; `null` clears. Contacts and `customProperties` are replaced as a whole. A status follows the workflow: draft → planning → active ⇄ on_hold; planning → on_hold; active → completed; any open one → cancelled.",
    remove: "Staff must be owner, a key needs `projects:delete`. Any other is archived.",
  },
  examples: {
    create: {
      subtype: "client_project",
      name: "Website relaunch",
      description: "A new site in German and English.",
      startDate: "2026-09-01",
      targetEndDate: "2026-12-18",
      budget: { amount: 18500, currency: "EUR" },
      priority: "high",
    },
    update: { name: "Website relaunch, phase 2", progress: 40, targetEndDate: "2027-01-29" },
  },
});

export const archive = writeEndpoint(
  {
    method: "POST",
    path: "/projects/:id/archive",
    tag,
    summary: "Archive a project",
    description: "It is cancelled and leaves the lists, unless they ask for `includeArchived`.",
    scope: "projects:write",
    subject: "project",
    answers: { 200: () => schemasOf(projectType).record },
    errors: ["INVALID_STATE"],
  },
  async (ctx, { subject }) => {
    const project = await archiveProject({ ctx, store: ctx.store }, subject);
    return ok(mappedView(projectType.map, project), { version: project.version });
  },
);
