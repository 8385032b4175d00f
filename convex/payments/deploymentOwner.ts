import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { onlyOrganization } from "../kit/mode";
import { rowOfAnyTenant } from "../kit/own";

/**
 * Whose the deployment's own credentials are (`STRIPE_SECRET_KEY`, `STRIPE_WEBHOOK_SECRET`,
 * `PAYMENT_WEBHOOK_SECRET`): the organization that `PAYMENTS_ORGANIZATION_ID` names, or the only one
 * there is (beside test organizations); null where that cannot be told.
 */
export async function deploymentOwner(ctx: QueryCtx): Promise<Id<"organizations"> | null> {
  const named = process.env.PAYMENTS_ORGANIZATION_ID;
  if (named) return (await rowOfAnyTenant(ctx, "organizations", named))?._id ?? null;
  return (await onlyOrganization(ctx))?._id ?? null;
}
