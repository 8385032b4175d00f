import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { onlyOrganization } from "./mode";
import { rowOfAnyTenant } from "./own";

/**
 * `PORTAL_TRUST_IDS=true` is for local work and for portals that have not moved to API keys yet: a
 * portal user's id alone is a credential then, and `sync-user` needs none. Anyone who learns an id
 * is that user, so it is off by default, and every use of it is logged.
 */
export function trustsPortalIds(): boolean {
  return process.env.PORTAL_TRUST_IDS === "true";
}

/** The one organization whose portal is trusted: `PORTAL_ORGANIZATION_ID`, or the only one. */
export async function trustedOrganization(ctx: QueryCtx): Promise<Doc<"organizations"> | null> {
  if (!trustsPortalIds()) return null;
  const named = process.env.PORTAL_ORGANIZATION_ID;
  if (named) {
    return await rowOfAnyTenant(ctx, "organizations", named);
  }
  return await onlyOrganization(ctx);
}
