import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { idOfAnyTenant } from "../kit/own";
import { jobScopeOf, type WriteScope } from "../ontology/effects";
import { isOfType } from "../ontology/reader";
import type { ObjectDoc } from "../ontology/registry";
import { sightRow } from "../ontology/sight";
import { requireProjectAction } from "./roles";
import { teamOf } from "./rows";
import { requireRoomOfPerson } from "./room";

/**
 * Which projects not everybody sees: the rows of `projectSight`, kept with the projects themselves. The
 * store calls `keepSight` with each write of a project, whatever way it came in.
 */
type Project = ObjectDoc<"project">;

/** A person who makes a project leads it. @throws FORBIDDEN, CONFLICT */
export async function keepSight(
  ctx: MutationCtx,
  scope: WriteScope,
  before: ObjectDoc | null,
  object: ObjectDoc,
): Promise<void> {
  if (!isOfType(object, "project")) return;
  await keepProject(ctx, scope, before as Project | null, object);
}

async function keepProject(
  ctx: MutationCtx,
  scope: WriteScope,
  before: Project | null,
  project: Project,
): Promise<void> {
  const { organizationId, _id: projectId } = project;
  const isOfTeam = isTeams(project);
  if (!before) {
    if (isOfTeam) {
      const row = { organizationId, projectId, isTeam: true, isRemoved: false };
      await ctx.db.insert("projectSight", row);
    }
    await addMaker(ctx, scope, project, isOfTeam);
    return;
  }
  const isThere = project.lifecycle !== "deleted";
  const isMoved = isThere !== (before.lifecycle !== "deleted");
  if (isOfTeam === isTeams(before) && !isMoved) return;
  await markTeam(ctx, project, isOfTeam && isThere);
  if (isMoved && isThere) await bringBack(ctx, scope, before);
  if (isOfTeam === isTeams(before)) return;
  await requireProjectAction(ctx, scope, project, "change who sees it");
  const row = await sightRow(ctx, organizationId, projectId);
  if (!isOfTeam) {
    if (row) await ctx.db.delete("projectSight", row._id);
  } else {
    const openUntil = Date.now();
    const closed = { organizationId, projectId, isTeam: true, isRemoved: false, openUntil };
    await ctx.db.insert("projectSight", closed);
  }
  await handOutAgain(ctx, organizationId, projectId);
}

/** The project lives again: what belongs to it is seen, and what has gone with it comes back by a job. */
async function bringBack(
  ctx: MutationCtx,
  scope: WriteScope,
  { organizationId, _id: projectId, deletedAt: since = 0 }: Project,
): Promise<void> {
  await endRemoval(ctx, organizationId, projectId);
  const from = { scope: jobScopeOf(scope), projectId, since, place: 0, cursor: null };
  await ctx.scheduler.runAfter(0, internal.projects.removal.bringBack, from);
}

/** Devices pull the project and what belongs to it anew, or are told to forget it, each by its user. */
export async function handOutAgain(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  projectId: Id<"objects">,
): Promise<void> {
  const first = { organizationId, projectId, at: 0, cursor: null };
  await ctx.scheduler.runAfter(0, internal.team.handingOut.project, first);
}

/** The same of all projects that are a team's: one who saw all sees less, or the other way round. */
export async function handOutTeamsAgain(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
): Promise<void> {
  const first = { organizationId, cursor: null };
  await ctx.scheduler.runAfter(0, internal.team.handingOut.teams, first);
}

/** What belongs to a project that is deleted is hidden from here on, while a job removes it. */
export async function hideForRemoval(
  ctx: MutationCtx,
  { organizationId, _id: projectId }: Project,
): Promise<void> {
  const row = await sightRow(ctx, organizationId, projectId);
  if (row) await ctx.db.patch("projectSight", row._id, { isRemoved: true });
  else {
    const hidden = { organizationId, projectId, isTeam: false, isRemoved: true };
    await ctx.db.insert("projectSight", hidden);
  }
}

/** The job has removed all of it; or the project lives again. */
export async function endRemoval(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  projectId: Id<"objects">,
): Promise<void> {
  const row = await sightRow(ctx, organizationId, projectId);
  if (row?.isTeam) await ctx.db.patch("projectSight", row._id, { isRemoved: false });
  else if (row) await ctx.db.delete("projectSight", row._id);
}

const FORGOTTEN_AT_ONCE = 100;

/** With a project's tombstone goes who was in its team. Answers whether that was all. */
export async function forgetTeam(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  projectId: Id<"objects">,
): Promise<boolean> {
  const members = await ctx.db
    .query("projectMembers")
    .withIndex("by_project", (q) =>
      q.eq("organizationId", organizationId).eq("projectId", projectId),
    )
    .take(FORGOTTEN_AT_ONCE);
  for (const { _id } of members) await ctx.db.delete("projectMembers", _id);
  if (members.length === FORGOTTEN_AT_ONCE) return false;
  const row = await sightRow(ctx, organizationId, projectId);
  if (row) await ctx.db.delete("projectSight", row._id);
  return true;
}

function isTeams({ customProperties }: Project): boolean {
  return customProperties.visibility === "team";
}

async function addMaker(
  ctx: MutationCtx,
  { actor }: WriteScope,
  { organizationId, _id: projectId }: Project,
  isOfTeam: boolean,
): Promise<void> {
  const userId = actor.type === "user" ? idOfAnyTenant(ctx, "users", actor.id) : null;
  if (!userId) return;
  if (isOfTeam) await requireRoomOfPerson(ctx, { organizationId, userId });
  const now = Date.now();
  await ctx.db.insert("projectMembers", {
    ...{ organizationId, projectId, userId, role: "lead", status: "active", isOfTeam },
    ...{ joinedAt: now, createdAt: now },
  });
}

/** @throws CONFLICT where somebody is in too many projects of teams by that */
async function markTeam(ctx: MutationCtx, project: Project, isOfTeam: boolean): Promise<void> {
  const rows: Doc<"projectMembers">[] = [
    ...(await teamOf(ctx, project, "active")),
    ...(await teamOf(ctx, project, "invited")),
  ];
  for (const row of rows) {
    if (row.isOfTeam === isOfTeam) continue;
    if (isOfTeam && row.status === "active" && row.userId !== undefined) {
      await requireRoomOfPerson(ctx, { ...row, userId: row.userId });
    }
    await ctx.db.patch("projectMembers", row._id, { isOfTeam });
  }
}
