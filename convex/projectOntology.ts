import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import { under } from "./kit/errors";
import { parseArgument } from "./kit/input";
import { callerAt, sessionArgument } from "./kit/live";
import { writeAt } from "./kit/liveWrites";
import { schemasOf } from "./ontology/fieldSchemas";
import { liveReadsOf } from "./live/reads";
import { liveWritesOf } from "./live/writes";
import { changeRecord } from "./ontology/records";
import { type LiveView, liveViewOf } from "./live/view";
import { type ProjectSummary, summaryOf } from "./time/summary";
import { archiveProject as archive } from "./types/project/rules";
import { projectType } from "./types/project/type";

/** The dashboard's live queries and mutations of projects, with the documented names and arguments. */
const names = { area: "projects", idName: "projectId" } as const;
const reads = liveReadsOf("project", names);
const writes = liveWritesOf("project", names);
const projectArguments = { ...sessionArgument, projectId: v.string() };

/** The newest 1,000 projects, without the archived ones. */
export const getProjects = reads.list;
export const getProjectsPaginated = reads.listPaginated;
export const getProject = reads.get;
export const createProject = writes.create;
export const updateProject = writes.update;
/** Drafts only, and by an owner; any other project is archived. */
export const deleteProject = writes.remove;

/** Cancels the project and takes it out of the lists. */
export const archiveProject = mutation({
  args: projectArguments,
  handler: async (ctx, { sessionId, projectId }): Promise<LiveView<"project">> => {
    const subject = { type: "project", id: projectId } as const;
    const placeOf = under("");
    return await writeAt(ctx, sessionId, subject, "projects:write", placeOf, async (to, project) =>
      liveViewOf(await archive(to, project)),
    );
  },
});

/** Rich HTML; what could run is taken out before it is stored. */
export const updateProjectDetailedDescription = mutation({
  args: { ...projectArguments, detailedDescription: v.string() },
  handler: async (ctx, { sessionId, projectId, ...sent }): Promise<LiveView<"project">> => {
    const reading = { timeZone: null, isChange: true };
    const fields = parseArgument("", schemasOf(projectType).update, sent, reading);
    const subject = { type: "project", id: projectId } as const;
    const placeOf = under("");
    return await writeAt(ctx, sessionId, subject, "projects:write", placeOf, async (to, project) =>
      liveViewOf(await changeRecord(to, project, fields)),
    );
  },
});

/** Time and money of a project, see `GET /projects/:id/summary`. */
export const getProjectSummary = query({
  args: projectArguments,
  handler: async (ctx, { sessionId, projectId }): Promise<ProjectSummary> => {
    const { object } = await callerAt(ctx, sessionId, "project", projectId, "projects:read");
    return await summaryOf(ctx, object);
  },
});
