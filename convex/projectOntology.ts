import { zodToConvexFields } from "convex-helpers/server/zod4";
import { type PaginationResult, paginationOptsValidator } from "convex/server";
import { type Infer, v } from "convex/values";
import type { Id } from "./_generated/dataModel";
import { mutation, query, type QueryCtx } from "./_generated/server";
import { invalid, under } from "./kit/errors";
import { parseArgument } from "./kit/input";
import { mergedChanges } from "./kit/mergePatch";
import { callerAt, callerIn, collectionOf, sessionArgument, type SessionId } from "./kit/live";
import { writeAt, writeIn } from "./kit/liveWrites";
import { PRIORITIES, projectType } from "./ontology/project";
import {
  detailedDescription as richText,
  projectCreation,
  projectPatch,
  projectUpdate,
} from "./ontology/projectInput";
import {
  archiveProject as archive,
  changeProject,
  createProject as create,
  deleteProject as remove,
} from "./ontology/projectRules";
import { SelectedRows } from "./ontology/selectedRows";
import { filtersOf, selectionOf } from "./ontology/selection";
import type { ObjectDoc } from "./ontology/registry";

/**
 * The dashboard's live queries and mutations of projects, with the documented names and arguments.
 * They return ontology records; a caller's own fields are pairs of `key` and `json` there
 * (`customProperties.customFields`). Errors are ConvexErrors whose data has `code`, `status`,
 * `message` and `details`.
 */
const filterArguments = {
  subtype: v.optional(v.union(...projectType.subtypes.map((subtype) => v.literal(subtype)))),
  status: v.optional(v.union(...projectType.statuses.map((status) => v.literal(status)))),
  priority: v.optional(v.union(...PRIORITIES.map((priority) => v.literal(priority)))),
};
const tenantArguments = { ...sessionArgument, organizationId: v.id("organizations") };
const projectArguments = { ...sessionArgument, projectId: v.string() };

type Project = ObjectDoc<"project">;
type ProjectFilters = { subtype?: string; status?: string; priority?: string };
type ListArguments = {
  sessionId?: SessionId;
  organizationId: Id<"organizations">;
} & ProjectFilters;

/** The newest 1,000 projects, without the archived ones. */
export const getProjects = query({
  args: { ...tenantArguments, ...filterArguments },
  handler: async (ctx, args): Promise<Project[]> => await collectionOf(await projectsOf(ctx, args)),
});

export const getProjectsPaginated = query({
  args: { ...tenantArguments, ...filterArguments, paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts, ...args }): Promise<PaginationResult<Project>> =>
    await (await projectsOf(ctx, args)).paginate(paginationOpts),
});

export const getProject = query({
  args: projectArguments,
  handler: async (ctx, { sessionId, projectId }): Promise<Project> =>
    (await callerAt(ctx, sessionId, "project", projectId, "projects:read")).object,
});

/** The documented structure repeats `sessionId` and `organizationId`; they must be the outer ones. */
const creation = v.object({
  ...zodToConvexFields(projectCreation.shape),
  sessionId: v.optional(v.string()),
  organizationId: v.optional(v.string()),
});

export const createProject = mutation({
  args: { ...tenantArguments, data: creation },
  handler: async (ctx, { sessionId, organizationId, data }): Promise<Project> => {
    const sent = withoutRepeated(data, { sessionId, organizationId });
    return await writeIn(
      ctx,
      sessionId,
      organizationId,
      "projects:write",
      under("data"),
      (writer) => {
        const { store, organization } = writer;
        const fields = parseArgument("data", projectCreation, sent, organization);
        return create(ctx, store, organization, fields);
      },
    );
  },
});

export const updateProject = mutation({
  args: { ...projectArguments, updates: v.object(zodToConvexFields(projectPatch.shape)) },
  handler: async (ctx, { sessionId, projectId, updates }): Promise<Project> => {
    const subject = { type: "project", id: projectId } as const;
    const placeOf = under("updates");
    return await writeAt(ctx, sessionId, subject, "projects:write", placeOf, (writer, project) => {
      const { timeZone } = writer.organization;
      const reading = { timeZone, isChange: true };
      const patch = parseArgument("updates", projectPatch, updates, reading);
      const { customProperties } = project;
      const fields = mergedChanges(projectUpdate, customProperties, patch);
      return changeProject(writer.store, project, fields);
    });
  },
});

/** Cancels the project and takes it out of the lists. */
export const archiveProject = mutation({
  args: projectArguments,
  handler: async (ctx, { sessionId, projectId }): Promise<Project> =>
    await writeAt(
      ctx,
      sessionId,
      { type: "project", id: projectId },
      "projects:write",
      under(""),
      ({ store }, project) => archive(store, project),
    ),
});

/** Drafts only, and by an owner; any other project is archived. */
export const deleteProject = mutation({
  args: projectArguments,
  returns: v.null(),
  handler: async (ctx, { sessionId, projectId }): Promise<null> => {
    const subject = { type: "project", id: projectId } as const;
    await writeAt(ctx, sessionId, subject, "projects:delete", under(""), ({ store }, project) =>
      remove(store, project),
    );
    return null;
  },
});

/** Rich HTML; what could run is taken out before it is stored. */
export const updateProjectDetailedDescription = mutation({
  args: { ...projectArguments, detailedDescription: v.string() },
  handler: async (ctx, { sessionId, projectId, ...sent }): Promise<Project> => {
    const html = sent.detailedDescription;
    const none = { timeZone: null };
    const fields = {
      detailedDescription: parseArgument("detailedDescription", richText, html, none),
    };
    const subject = { type: "project", id: projectId } as const;
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "projects:write",
      under(""),
      ({ store }, project) => changeProject(store, project, fields),
    );
  },
});

async function projectsOf(
  ctx: QueryCtx,
  { sessionId, organizationId, subtype, status, priority }: ListArguments,
): Promise<SelectedRows<"project">> {
  await callerIn(ctx, sessionId, organizationId, "projects:read");
  const selection = selectionOf(filtersOf({ subtype, status, facet: priority }));
  return new SelectedRows(ctx, organizationId, "project", selection);
}

function withoutRepeated(
  { sessionId, organizationId, ...data }: Infer<typeof creation>,
  outer: { sessionId?: SessionId; organizationId: string },
): Omit<Infer<typeof creation>, "sessionId" | "organizationId"> {
  const repeated = { sessionId, organizationId };
  for (const name of ["sessionId", "organizationId"] as const) {
    if (repeated[name] === undefined || repeated[name] === outer[name]) continue;
    throw invalid([{ path: `data.${name}`, message: `must equal the outer ${name}` }]);
  }
  return data;
}
