import * as z from "zod";
import { minorUnitDecimals } from "../kit/currencies";
import { customFields } from "../kit/customFieldsInput";
import { safeHtml } from "../kit/html";
import { patchOf } from "../kit/mergePatch";
import { currencyCode } from "../kit/money";
import { longText, label } from "../kit/text";
import { businessDate } from "../kit/time";
import { decimalsOf } from "../money/decimal";
import { nullableFields } from "./contactInput";
import { PRIORITIES, projectType } from "./project";

/** What callers send of projects, and what they are shown. */
export const projectSubtype = z.enum(projectType.subtypes);
export const projectStatus = z.enum(projectType.statuses);
export const projectPriority = z.enum(PRIORITIES);

const MAX_BUDGET = 1_000_000_000_000;

const budget = z
  .strictObject({
    amount: z.number().min(0).max(MAX_BUDGET).meta({ description: "In major units." }),
    currency: currencyCode,
  })
  .superRefine(({ amount, currency }, context) => {
    const decimals = minorUnitDecimals(currency) ?? 0;
    if (decimalsOf(amount) <= decimals) return;
    const message = `must have at most ${decimals} decimals in ${currency}`;
    context.addIssue({ code: "custom", path: ["amount"], message });
  });

/** A caller's own fields stand beside ours in the record, so they cannot have the same names. */
const ownProperties = customFields.superRefine((fields, context) => {
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(projectType.properties.fields, name)) continue;
    const message = "is a field of the project itself; send it beside customProperties";
    context.addIssue({ code: "custom", path: [name], message });
  }
});

export const detailedDescription = longText(100_000).transform(safeHtml).meta({
  description: "HTML. What could run or cover the page is taken out before it is stored.",
});

const optionalFields = z.strictObject({
  description: longText(5000),
  startDate: businessDate,
  targetEndDate: businessDate,
  budget,
  clientOrgId: z.string().max(64).meta({ description: "The CRM organization that it is for." }),
  detailedDescription,
});
const keptFields = {
  priority: projectPriority.optional(),
  progress: z.number().min(0).max(100).optional().meta({ description: "Per cent." }),
  contactIds: z
    .array(z.string().max(64))
    .max(50, "must have at most 50 entries")
    .optional()
    .meta({ description: "Contacts who take part; they see it in the portal." }),
  customProperties: ownProperties.optional(),
};

export const projectCreation = z
  .strictObject({
    subtype: projectSubtype,
    name: label(200),
    ...optionalFields.partial().shape,
    ...keptFields,
  })
  .meta({ id: "ProjectCreation" });
export type ProjectCreation = z.output<typeof projectCreation>;

/** `PATCH`: every field is optional, and `null` clears those that a project can do without. */
export const projectUpdate = z.strictObject({
  subtype: projectSubtype.optional(),
  name: label(200).optional(),
  status: projectStatus.optional(),
  ...nullableFields(optionalFields.shape),
  ...keptFields,
});

/** `projectUpdate` whose budget may be sent in part. */
export const projectPatch = patchOf(projectUpdate).meta({ id: "ProjectUpdate" });
export type ProjectUpdate = z.output<typeof projectUpdate>;

export const projectRecord = z
  .object({
    _id: z.string(),
    id: z.string(),
    organizationId: z.string(),
    type: z.literal("project"),
    subtype: projectSubtype,
    name: z.string(),
    description: z.string().nullable(),
    status: projectStatus,
    customProperties: z.looseObject({
      projectCode: z.string(),
      startDate: z.number().nullable(),
      targetEndDate: z.number().nullable(),
      budget: z.object({ amount: z.number(), currency: z.string() }).nullable(),
      priority: projectPriority,
      progress: z.number(),
      clientOrgId: z.string().nullable(),
      contactIds: z.array(z.string()),
      detailedDescription: z.string().nullable(),
      archivedAt: z.number().nullable(),
    }),
    createdBy: z.string(),
    version: z.number().int(),
    createdAt: z.number(),
    updatedAt: z.number(),
  })
  .meta({ id: "Project" });
