import { defineTable } from "convex/server";
import { type Infer, v } from "convex/values";
import { storedCustomFields } from "../kit/customFields";
import { oneOf } from "../kit/oneOf";
import { PRIORITIES, projectType, VISIBILITIES } from "../types/project/type";
import { jobScope } from "./crmSchemas";
import { jobFields } from "./jobSchemas";

const named = v.object({ name: v.string(), color: v.optional(v.string()) });

/** A task of a template; others are named by their places, from 0, in the order in which they are made. */
const plannedTask = v.object({
  title: v.string(),
  description: v.optional(v.string()),
  priority: oneOf(PRIORITIES),
  estimateMinutes: v.optional(v.number()),
  remindMinutesBefore: v.optional(v.number()),
  /** Days from the project's start. */
  startIn: v.optional(v.number()),
  dueIn: v.optional(v.number()),
  recurrence: v.optional(
    v.object({ rrule: v.string(), from: v.union(v.literal("due"), v.literal("completion")) }),
  ),
  /** Its parent was made before. */
  parent: v.optional(v.number()),
  /** What it waits for of what was made before. */
  dependsOn: v.array(v.number()),
  /** Tasks made before that wait for this one. */
  waitedForBy: v.array(v.number()),
  /** Among the template's labels. */
  labels: v.array(v.number()),
  rank: v.string(),
  customFields: storedCustomFields,
});
export type PlannedTask = Infer<typeof plannedTask>;

/** Where a project made from a template begins: the zone stays, also if the organization moves. */
const beginning = v.object({ day: v.string(), timeZone: v.string() });
export type Beginning = Infer<typeof beginning>;

export const templateTables = {
  /**
   * What a template says of the project itself; its record is an object.
   * Written once by templates/taking.ts; read where projects are made from it; deleted with it.
   */
  templateOutlines: defineTable({
    organizationId: v.id("organizations"),
    templateId: v.id("objects"),
    subtype: oneOf(projectType.subtypes),
    description: v.optional(v.string()),
    detailedDescription: v.optional(v.string()),
    priority: oneOf(PRIORITIES),
    visibility: oneOf(VISIBILITIES),
    customFields: storedCustomFields,
    labels: v.array(named),
    tags: v.array(named),
    /** The day from which its days are counted, of the project that it was made from. */
    origin: v.string(),
    /** Whether it has any days. */
    isDated: v.boolean(),
    endIn: v.optional(v.number()),
    /** Its first and its last day, counted so. */
    span: v.object({ from: v.number(), to: v.number() }),
    /** Bytes of its tasks. */
    size: v.number(),
  }).index("by_template", ["templateId"]),

  /**
   * A template's tasks, some in each row, in the order in which they are made.
   * Written once by templates/taking.ts; read where projects are made from it; deleted after it by
   * templates/removal.ts.
   */
  templateTasks: defineTable({
    organizationId: v.id("organizations"),
    templateId: v.id("objects"),
    place: v.number(),
    tasks: v.array(plannedTask),
  }).index("by_template", ["templateId", "place"]),

  /**
   * The making of a project's tasks where they are many: one row of tasks a step (templates/jobs.ts).
   * It stays as what the project was made by, without its working lists.
   */
  templateJobs: defineTable({
    organizationId: v.id("organizations"),
    scope: jobScope,
    templateId: v.id("objects"),
    projectId: v.id("objects"),
    beginning: v.optional(beginning),
    /** Days from those of the template to those of the project. */
    shift: v.number(),
    /** The next row. */
    place: v.number(),
    /** Made so far, by their places; null for a part whose parent somebody has deleted meanwhile. */
    taskIds: v.array(v.union(v.id("objects"), v.null())),
    labelIds: v.array(v.id("objects")),
    taskCount: v.number(),
    createdAt: v.number(),
    ...jobFields,
  })
    .index("by_job", ["job.state", "job.at"])
    .index("by_template", ["templateId", "job.state"])
    .index("by_organization", ["organizationId", "createdAt"]),
};
