import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { membershipIn } from "../kit/caller";
import { ApiError } from "../kit/errors";
import { oldestOrganization } from "./memberships";

/**
 * Which of their organizations a person means: the one that X-Tenant-Id names, else the oldest, if they
 * belong to any. @throws FORBIDDEN for one that is not theirs
 */
export async function meantOrganization(
  ctx: QueryCtx,
  userId: Id<"users">,
  tenantId: string | undefined,
): Promise<Id<"organizations"> | null> {
  if (tenantId === undefined) return await oldestOrganization(ctx, userId);
  const membership = await membershipIn(ctx, userId, tenantId);
  if (!membership) throw new ApiError("FORBIDDEN", "X-Tenant-Id is no organization of yours.");
  return membership.organizationId;
}
