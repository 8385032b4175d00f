import * as z from "zod";
import type { Doc } from "../_generated/dataModel";
import { jobRecord, jobView } from "../jobs/view";
import { newJob } from "../jobs/job";
import { once } from "../kit/once";
import { schemasOf } from "../ontology/fieldSchemas";
import { projectType } from "../types/project/type";
import { templateKind } from "./kind";

/** What callers are shown of projects that are made from templates. */

export const projectFromTemplate = once(() =>
  schemasOf(projectType)
    .record.extend({
      jobId: z.string().nullable().meta({ description: "The job that makes its tasks, if any." }),
    })
    .meta({ id: "ProjectFromTemplate" }),
);

export const templateJobRecord = once(() =>
  jobRecord()
    .omit({ log: true })
    .extend({
      templateId: z.string(),
      projectId: z.string(),
      tasksMade: z.number().int(),
      taskCount: z.number().int(),
    })
    .meta({ id: "TemplateJob" }),
);
export type TemplateJobView = z.input<ReturnType<typeof templateJobRecord>>;

export function templateJobView(row: Doc<"templateJobs">): TemplateJobView {
  const { _id, templateId, projectId, taskCount, createdAt } = row;
  const { job = newJob(createdAt) } = row;
  const shown = { _id, job, log: [], createdAt, startedAt: createdAt };
  const { log: _log, ...view } = jobView(templateKind.name, shown);
  const tasksMade = job.state === "succeeded" ? taskCount : (job.progress?.done ?? 0);
  return { ...view, templateId, projectId, tasksMade, taskCount };
}
