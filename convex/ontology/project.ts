import * as z from "zod";
import { zid } from "convex-helpers/server/zod4";
import { storedCustomFields } from "../kit/customFields";
import { defineObjectType } from "./definition";

export const PRIORITIES = ["low", "medium", "high", "critical"] as const;

/** A piece of work, for a client or for the organization itself. */
export const projectType = defineObjectType({
  type: "project",
  resource: "project",
  subtypes: ["client_project", "internal", "campaign", "product_development", "other"],
  statuses: ["draft", "planning", "active", "on_hold", "completed", "cancelled"],
  transitions: {
    draft: ["planning", "cancelled"],
    planning: ["active", "on_hold", "cancelled"],
    active: ["on_hold", "completed", "cancelled"],
    on_hold: ["active", "cancelled"],
    completed: [],
    cancelled: [],
  },
  properties: z.object({
    name: z.string(),
    projectCode: z.string(),
    startDate: z.number().optional(),
    targetEndDate: z.number().optional(),
    /** In major units: 50000 is fifty thousand dollars. */
    budget: z.object({ amount: z.number(), currency: z.string() }).optional(),
    priority: z.enum(PRIORITIES),
    progress: z.number(),
    clientOrgId: zid("objects").optional(),
    contactIds: z.array(zid("objects")),
    /** HTML, sanitized before it is stored. */
    detailedDescription: z.string().optional(),
    archivedAt: z.number().optional(),
    customFields: storedCustomFields,
  }),
  columns({ description, customProperties: project }) {
    const { name, projectCode, clientOrgId, contactIds } = project;
    return {
      name,
      searchText: [name, projectCode, description].filter(Boolean).join(" "),
      lookupKey: projectCode,
      facet: project.priority,
      parentId: clientOrgId,
      links: [
        ...(clientOrgId ? [{ linkType: "client", to: clientOrgId }] : []),
        ...contactIds.map((to) => ({ linkType: "project_contact", to })),
      ],
    };
  },
  portal: {
    through: ["project_contact"],
    shows: ({ status }) => status !== "draft",
    hides: ["budget", "customFields"],
  },
  filters: {
    subtype: "subtype",
    status: "status",
    priority: "facet",
    clientOrgId: "parentId",
    projectCode: "lookupKey",
  },
});
