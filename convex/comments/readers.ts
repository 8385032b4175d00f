import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { membershipOf } from "../kit/memberships";
import { seesAll } from "../kit/scopes";
import { Sight } from "../ontology/sight";

/** The membership of a person who sees what is said in a project, or of none; null of anybody else. */
export async function readerOf(
  ctx: Pick<QueryCtx, "db">,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
  projectId: Id<"objects"> | undefined,
): Promise<Doc<"memberships"> | null> {
  const membership = await membershipOf(ctx, userId, organizationId);
  if (membership?.status !== "active") return null;
  if (projectId === undefined) return membership;
  const member = seesAll(membership.role) ? undefined : userId;
  const sight = new Sight(ctx, { organizationId, member });
  return (await sight.seesProject(projectId)) ? membership : null;
}
