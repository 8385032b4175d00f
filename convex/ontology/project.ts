import { v } from "convex/values";
import { oneOf } from "../kit/oneOf";
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
  properties: v.object({
    name: v.string(),
    projectCode: v.string(),
    startDate: v.optional(v.number()),
    targetEndDate: v.optional(v.number()),
    /** In major units: 50000 is fifty thousand dollars. */
    budget: v.optional(v.object({ amount: v.number(), currency: v.string() })),
    priority: oneOf(PRIORITIES),
    progress: v.number(),
    clientOrgId: v.optional(v.id("objects")),
    contactIds: v.array(v.id("objects")),
    /** HTML, sanitized before it is stored. */
    detailedDescription: v.optional(v.string()),
    archivedAt: v.optional(v.number()),
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
  owners: { parentId: "crm_organization" },
  filters: {
    subtype: "subtype",
    status: "status",
    priority: "facet",
    clientOrgId: "parentId",
    projectCode: "lookupKey",
  },
});
