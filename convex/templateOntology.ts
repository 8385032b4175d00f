import { v } from "convex/values";
import { mutation, query } from "./_generated/server";
import type { Id } from "./_generated/dataModel";
import { notFound, under } from "./kit/errors";
import { parseArgument } from "./kit/input";
import { callerIn, sessionArgument } from "./kit/live";
import { writeAt, writeIn } from "./kit/liveWrites";
import { oneOf } from "./kit/oneOf";
import { creationArguments } from "./live/arguments";
import { liveReadsOf, tenantArguments } from "./live/reads";
import { type LiveView, liveViewOf } from "./live/view";
import { liveWritesOf } from "./live/writes";
import { schemasOf } from "./ontology/fieldSchemas";
import { makeProject } from "./templates/making";
import { takeTemplate } from "./templates/taking";
import { type TemplateJobView, templateJobView } from "./templates/views";
import { wish } from "./templates/wishInput";
import { projectType } from "./types/project/type";
import { projectTemplateType } from "./types/projectTemplate/type";

/** The dashboard's live functions of project templates: what they take and answer is as over HTTP. */
const names = { area: "projects", idName: "templateId" } as const;
const reads = liveReadsOf("project_template", names);
const writes = liveWritesOf("project_template", names);

/** The newest 1,000 templates. */
export const getTemplates = reads.list;
export const getTemplatesPaginated = reads.listPaginated;
export const getTemplate = reads.get;
/** Name and description. */
export const updateTemplate = writes.update;
export const deleteTemplate = writes.remove;

/** See `POST /projects/:id/template`. */
export const createTemplate = mutation({
  args: {
    ...sessionArgument,
    projectId: v.string(),
    data: v.object(creationArguments(projectTemplateType)),
  },
  handler: async (ctx, { sessionId, projectId, data }): Promise<LiveView<"project_template">> => {
    const subject = { type: "project", id: projectId } as const;
    const placeOf = under("data");
    return await writeAt(
      ctx,
      sessionId,
      subject,
      "projects:write",
      placeOf,
      async (by, project) => {
        const { creation } = schemasOf(projectTemplateType);
        const given = parseArgument("data", creation, data, by.organization);
        return liveViewOf(await takeTemplate(by, project, given));
      },
    );
  },
});

/** See `POST /projects/from-template`. */
export const createProjectFromTemplate = mutation({
  args: {
    ...tenantArguments,
    data: v.object({
      templateId: v.string(),
      name: v.string(),
      startDate: v.optional(v.union(v.number(), v.string())),
      subtype: v.optional(oneOf(projectType.subtypes)),
      clientOrgId: v.optional(v.string()),
      members: v.optional(v.array(v.object({ userId: v.string(), role: v.optional(v.string()) }))),
    }),
  },
  handler: async (
    ctx,
    { sessionId, organizationId, data },
  ): Promise<LiveView<"project"> & { jobId: Id<"templateJobs"> | null }> => {
    const placeOf = under("data");
    return await writeIn(ctx, sessionId, organizationId, "projects:write", placeOf, async (by) => {
      const given = parseArgument("data", wish(), data, by.organization);
      const { project, jobId } = await makeProject(by, given, Date.now());
      return { ...liveViewOf(project), jobId };
    });
  },
});

/** How far a project from a template is, see `GET /projects/from-template/:id`. */
export const getTemplateJob = query({
  args: { ...tenantArguments, jobId: v.string() },
  handler: async (ctx, { sessionId, organizationId, jobId }): Promise<TemplateJobView> => {
    const { tenant } = await callerIn(ctx, sessionId, organizationId, "projects:read");
    const job = await tenant.own("templateJobs", jobId);
    if (!(await tenant.seesWhatIsAbout(job.projectId))) throw notFound("job");
    return templateJobView(job);
  },
});
