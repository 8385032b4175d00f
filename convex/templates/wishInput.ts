import * as z from "zod";
import { once } from "../kit/once";
import { businessDate } from "../kit/time";
import { schemasOf } from "../ontology/fieldSchemas";
import { projectType } from "../types/project/type";

/** Each is told, and in how many projects of teams each is already is looked at, in one transaction. */
const MAX_MEMBERS = 50;

/** What a project from a template takes. */
export const wish = once(() => {
  const { name, subtype, clientOrgId } = schemasOf(projectType).creation.shape;
  const member = z.strictObject({
    userId: z.string().max(64),
    role: z
      .enum(["lead", "member", "observer"])
      .optional()
      .meta({ description: "The next of the template's `roles` by default, else `member`." }),
  });
  return z
    .strictObject({
      templateId: z.string().max(64),
      name,
      startDate: businessDate().optional().meta({
        description: "From which the template's days are counted; today by default.",
      }),
      subtype: subtype.optional(),
      clientOrgId,
      members: z
        .array(member)
        .max(MAX_MEMBERS, `must have at most ${MAX_MEMBERS} entries`)
        .optional(),
    })
    .meta({ id: "ProjectFromTemplateCreation" });
});
