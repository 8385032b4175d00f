import type * as z from "zod";
import { unpackCustomFields } from "../kit/customFields";
import type { projectRecord } from "./projectInput";
import type { ObjectDoc } from "./registry";

/** The record as callers see it: a caller's own fields stand among `customProperties`. */
export function projectView(project: ObjectDoc<"project">): z.input<typeof projectRecord> {
  const { name, customFields, ...properties } = project.customProperties;
  return {
    _id: project._id,
    id: project._id,
    organizationId: project.organizationId,
    type: project.type,
    subtype: project.subtype,
    name,
    description: project.description ?? null,
    status: project.status,
    customProperties: {
      ...unpackCustomFields(customFields),
      projectCode: properties.projectCode,
      startDate: properties.startDate ?? null,
      targetEndDate: properties.targetEndDate ?? null,
      budget: properties.budget ?? null,
      priority: properties.priority,
      progress: properties.progress,
      clientOrgId: properties.clientOrgId ?? null,
      contactIds: properties.contactIds,
      detailedDescription: properties.detailedDescription ?? null,
      archivedAt: properties.archivedAt ?? null,
    },
    createdBy: project.createdBy,
    version: project.version,
    createdAt: project.createdAt,
    updatedAt: project.updatedAt,
  };
}
