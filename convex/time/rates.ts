import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { ObjectDoc } from "../ontology/registry";
import { rowOf } from "../team/rows";

export type Rate = { rateInCents: number; currency: string };

/**
 * What an hour costs: of the member, else of the project, else of the organization, else nothing. A project's
 * rate is in its currency, which is that of its budget; the others are in the organization's.
 */
export async function rateOf(
  ctx: QueryCtx,
  {
    project,
    userId,
    organization,
  }: { project: ObjectDoc<"project">; userId: Id<"users">; organization: Doc<"organizations"> },
): Promise<Rate> {
  const member = await rowOf(ctx, project._id, userId);
  const ownRate = member?.status === "active" ? member.hourlyRateInCents : undefined;
  if (ownRate !== undefined) return { rateInCents: ownRate, currency: organization.currency };
  const { hourlyRateInCents: ofProject } = project.customProperties;
  const currency = currencyOfProject(project, organization);
  if (ofProject !== undefined) return { rateInCents: ofProject, currency };
  const { hourlyRateInCents: ofAll } = organization;
  return ofAll === undefined
    ? { rateInCents: 0, currency }
    : { rateInCents: ofAll, currency: organization.currency };
}

/** Of its budget, else of the organization. */
export function currencyOfProject(
  { customProperties: { budget } }: ObjectDoc<"project">,
  organization: Pick<Doc<"organizations">, "currency">,
): string {
  return budget?.currency ?? organization.currency;
}
