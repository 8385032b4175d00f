import type { Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { MAX_TEAM, teamOf } from "./rows";

/** So many projects that are their team's alone may one person be in. */
export const MAX_TEAM_PROJECTS = 200;

/** @throws CONFLICT for who is in as many projects of teams as one may be */
export async function requireRoomOfPerson(
  ctx: QueryCtx,
  { organizationId, userId }: { organizationId: Id<"organizations">; userId: Id<"users"> },
): Promise<void> {
  const rows = await ctx.db
    .query("projectMembers")
    .withIndex("by_user", (q) =>
      q
        .eq("organizationId", organizationId)
        .eq("userId", userId)
        .eq("status", "active")
        .eq("isOfTeam", true),
    )
    .take(MAX_TEAM_PROJECTS);
  if (rows.length < MAX_TEAM_PROJECTS) return;
  const message = `One person is in at most ${MAX_TEAM_PROJECTS} projects whose visibility is team: let them leave one, or make one visible to the organization.`;
  throw new ApiError("CONFLICT", message, { details: { userId, limit: MAX_TEAM_PROJECTS } });
}

/** @throws CONFLICT for a project that has as many members and open invites as one may have */
export async function requireRoomInTeam(
  ctx: QueryCtx,
  project: { organizationId: Id<"organizations">; _id: Id<"objects"> },
): Promise<void> {
  const active = await teamOf(ctx, project, "active");
  const invited = await teamOf(ctx, project, "invited");
  if (active.length + invited.length < MAX_TEAM) return;
  const message = `A project has room for ${MAX_TEAM} members and invites: remove some first.`;
  throw new ApiError("CONFLICT", message, { details: { limit: MAX_TEAM } });
}
