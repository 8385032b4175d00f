import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";

/** People in one project's team, those who are invited among them: no list needs pages. */
export const MAX_TEAM = 100;

export type TeamRow = Doc<"projectMembers">;
type Project = { organizationId: Id<"organizations">; _id: Id<"objects"> };

/** The members of a project of one status, the longest in it first. */
export async function teamOf(
  ctx: QueryCtx,
  { organizationId, _id: projectId }: Project,
  status: "active" | "invited",
): Promise<TeamRow[]> {
  return await ctx.db
    .query("projectMembers")
    .withIndex("by_project", (q) =>
      q.eq("organizationId", organizationId).eq("projectId", projectId).eq("status", status),
    )
    .take(MAX_TEAM);
}

/** A person's row in a project, also of one who has left. */
export async function rowOf(
  ctx: QueryCtx,
  projectId: Id<"objects">,
  userId: Id<"users">,
): Promise<TeamRow | null> {
  return await ctx.db
    .query("projectMembers")
    .withIndex("by_person", (q) => q.eq("projectId", projectId).eq("userId", userId))
    .unique();
}
