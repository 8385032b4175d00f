import { v } from "convex/values";
import { CHANGED } from "../../ontology/definition";
import { MAX_HOURLY_RATE } from "../../money/hourlyRate";
import { field } from "../../ontology/fields";
import { defineMappedType, mappedColumns } from "../../ontology/mappedType";

/** Who of the organization sees a project: everybody, or its team, owners and managers. */
export const VISIBILITIES = ["organization", "team"] as const;
export const PRIORITIES = ["low", "medium", "high", "critical"] as const;
const MAX_BUDGET = 1_000_000_000_000;

const projectFields = {
  name: field.label(200, { isSearched: true }).required,
  projectCode: field.label(40, { isSearched: true, filter: "lookupKey" }).derived,
  startDate: field.day().optional,
  targetEndDate: field.day().optional,
  budget: field.budget(MAX_BUDGET).optional,
  hourlyRateInCents: field.number(0, MAX_HOURLY_RATE, {
    description: "Of an hour's work, in the currency of the budget or of the organization.",
  }).optional,
  priority: field.oneOf(PRIORITIES, { filter: "facet" }).beginning("medium"),
  progress: field.number(0, 100, { description: "Per cent." }).beginning(0),
  clientOrgId: field.reference("crm_organization", {
    filter: "parentId",
    linkType: "client",
    description: "The CRM organization that it is for.",
  }).optional,
  contactIds: field
    .references("crm_contact", 50, {
      linkType: "project_contact",
      description: "Contacts who take part; they see it in the portal.",
    })
    .beginning([]),
  visibility: field
    .oneOf(VISIBILITIES, {
      description:
        "`team`: of the organization's members and viewers, its active team alone sees it and what belongs to it.",
    })
    .assumed("organization"),
  detailedDescription: field.html(100_000).optional,
  archivedAt: field.time().derivedOptional,
  /** Names of its tags, which projects/tags.ts keeps: a caller's own field may be called `tags`. */
  tagNames: field.internal(v.array(v.string())).derivedOptional,
  customFields: field.ownFields(),
};

/** A piece of work, for a client or for the organization itself. */
export const projectType = defineMappedType({
  type: "project",
  resource: "project",
  area: "projects",
  subtypes: ["client_project", "internal", "campaign", "product_development", "other"],
  statuses: ["draft", "planning", "active", "on_hold", "completed", "cancelled"],
  verbs: [...CHANGED, "archived", "relinked"],
  transitions: {
    draft: ["planning", "cancelled"],
    planning: ["active", "on_hold", "cancelled"],
    active: ["on_hold", "completed", "cancelled"],
    on_hold: ["active", "cancelled"],
    completed: [],
    cancelled: [],
  },
  map: {
    shape: "nested",
    begins: { status: "draft" },
    isDescribed: true,
    fields: projectFields,
  },
  columns({ description, customProperties: project }) {
    const { startDate, targetEndDate } = project;
    return {
      ...mappedColumns(projectFields, project, description),
      ...(startDate === undefined ? {} : { documentDate: startDate }),
      ...(targetEndDate === undefined ? {} : { dueAt: targetEndDate }),
    };
  },
  terms: {
    filters: ["tags"],
    of: ({ customProperties: { tagNames = [] } }) => ({ tags: tagNames }),
  },
  sorts: { startDate: "documentDate", targetEndDate: "dueAt" },
  removeScope: "projects:delete",
  portal: {
    through: ["project_contact"],
    shows: ({ status }) => status !== "draft",
    hides: ["budget", "hourlyRateInCents", "customFields"],
  },
});
