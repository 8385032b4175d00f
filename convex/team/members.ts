import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, notFound } from "../kit/errors";
import { idOfAnyTenant } from "../kit/own";
import { seesAll } from "../kit/scopes";
import { record, type WriteScope } from "../ontology/effects";
import { eventDataOf } from "../ontology/eventData";
import type { ObjectDoc } from "../ontology/registry";
import { Sight } from "../ontology/sight";
import type { ObjectStore } from "../ontology/store";
import type { ProjectRole } from "./roles";
import { MAX_TEAM_PROJECTS } from "./room";
import { rowOf, type TeamRow, teamOf } from "./rows";
import { handOutAgain } from "./sightRows";
import { membershipOf } from "../kit/memberships";

type Project = ObjectDoc<"project">;
type Organization = Doc<"organizations">;
/** Where a team is written: the store says the events, which those who follow are woken for. */
export type TeamContext = { ctx: MutationCtx; store: ObjectStore; organization: Organization };

/** Members and who is invited, members first. */
export async function membersOf(ctx: QueryCtx, project: Project): Promise<TeamRow[]> {
  return [...(await teamOf(ctx, project, "active")), ...(await teamOf(ctx, project, "invited"))];
}

type Person = Record<"name" | "email" | "username", string | null> & {
  inviteExpiresAt: number | null;
};

/** Who is in the team by a row, or is invited by it. */
export async function whoseRow(ctx: QueryCtx, row: TeamRow): Promise<Person> {
  const user = row.userId && (await ctx.db.get("users", row.userId));
  const invited = row.inviteId && (await ctx.db.get("memberships", row.inviteId));
  const { email = null, username = null } = user ?? invited?.invite ?? {};
  const inviteExpiresAt = invited ? (invited.invite?.expiresAt ?? null) : null;
  return { name: user ? user.name : null, email, username, inviteExpiresAt };
}

/** Whether a user is a member of the organization who sees the project: to be assigned or mentioned. */
export async function canSeeProject(
  ctx: Pick<QueryCtx, "db">,
  userId: Id<"users">,
  { organizationId, _id }: Pick<Project, "organizationId" | "_id">,
): Promise<boolean> {
  const membership = await membershipOf(ctx, userId, organizationId);
  if (membership?.status !== "active") return false;
  if (seesAll(membership.role)) return true;
  return await new Sight(ctx, { organizationId, member: userId }, false).seesProject(_id);
}

/** @throws CONFLICT for the last lead */
export async function change(
  { ctx, store }: TeamContext,
  project: Project,
  row: TeamRow,
  { role, hourlyRateInCents }: { role?: ProjectRole; hourlyRateInCents?: number | null },
): Promise<TeamRow> {
  if (role !== undefined && role !== row.role) await requireAnotherLead(ctx, project, row);
  const changes = [
    ...(role === undefined || role === row.role
      ? []
      : [{ field: "role", before: row.role, after: role }]),
    ...(hourlyRateInCents === undefined || hourlyRateInCents === (row.hourlyRateInCents ?? null)
      ? []
      : [
          {
            field: "hourlyRateInCents",
            ...(row.hourlyRateInCents === undefined ? {} : { before: row.hourlyRateInCents }),
            ...(hourlyRateInCents === null ? {} : { after: hourlyRateInCents }),
          },
        ]),
  ];
  if (changes.length === 0) return row;
  await ctx.db.patch("projectMembers", row._id, {
    ...(role === undefined ? {} : { role }),
    ...(hourlyRateInCents === undefined
      ? {}
      : { hourlyRateInCents: hourlyRateInCents ?? undefined }),
  });
  const what = { action: "project.member_changed", objectType: "project", objectId: project._id };
  const named = [{ field: "userId", after: row.userId ?? row.inviteId ?? "" }];
  await store.record({ ...what, changes: [...named, ...changes] });
  return await written(ctx, row._id);
}

/** Who is removed, or leaves; an invited one's invite to the organization stays. @throws CONFLICT */
export async function remove(
  { ctx, store }: TeamContext,
  project: Project,
  row: TeamRow,
): Promise<void> {
  if (row.status === "invited" || row.userId === undefined) {
    await ctx.db.delete("projectMembers", row._id);
    const what = { action: "project.invite_removed", objectType: "project", objectId: project._id };
    await store.record({ ...what, changes: [{ field: "role", before: row.role }] });
    return;
  }
  await requireAnotherLead(ctx, project, row);
  await ctx.db.patch("projectMembers", row._id, { status: "left", leftAt: Date.now() });
  await recordTeam(store, project, "member_removed", row.userId, row.role);
  if (isOfTeam(project)) await handOutAgain(ctx, project.organizationId, project._id);
}

/** The member, or the invited one, whom an id from outside names. @throws MEMBER_NOT_FOUND */
export async function requireRow(ctx: QueryCtx, project: Project, id: string): Promise<TeamRow> {
  const userId = idOfAnyTenant(ctx, "users", id);
  const row = userId && (await rowOf(ctx, project._id, userId));
  if (row?.status === "active") return row;
  const invited = await teamOf(ctx, project, "invited");
  const found = invited.find(({ inviteId }) => inviteId === id);
  if (!found) throw notFound("member");
  return found;
}

/** Whoever accepts an invite to the organization is in the projects that it was for, too. */
export async function joinInvited(
  ctx: MutationCtx,
  scope: WriteScope,
  inviteId: Id<"memberships">,
  userId: Id<"users">,
): Promise<void> {
  for (const row of await invitedBy(ctx, inviteId)) {
    const known = await rowOf(ctx, row.projectId, userId);
    if (known) await ctx.db.delete("projectMembers", known._id);
    const joined = { userId, inviteId: undefined, status: "active", joinedAt: Date.now() } as const;
    await ctx.db.patch("projectMembers", row._id, joined);
    await recordOf(ctx, scope, row, "member_added", userId);
    if (row.isOfTeam) await handOutAgain(ctx, row.organizationId, row.projectId);
  }
}

/** With a revoked invite go the places in projects that it kept. */
export async function forgetInvited(ctx: MutationCtx, inviteId: Id<"memberships">): Promise<void> {
  for (const { _id } of await invitedBy(ctx, inviteId)) await ctx.db.delete("projectMembers", _id);
}

const LEFT_AT_ONCE = 200;

/** Ends up to so many of a person's places in projects; answers whether that was all. */
export async function leaveProjects(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"users">,
): Promise<boolean> {
  const rows = await ctx.db
    .query("projectMembers")
    .withIndex("by_user", (q) =>
      q.eq("organizationId", scope.organizationId).eq("userId", userId).eq("status", "active"),
    )
    .take(LEFT_AT_ONCE);
  for (const row of rows) {
    await ctx.db.patch("projectMembers", row._id, { status: "left", leftAt: Date.now() });
    await recordOf(ctx, scope, row, "member_removed", userId);
  }
  return rows.length < LEFT_AT_ONCE;
}

/** Of two accounts that are joined, the places in projects of the one that goes. */
export async function moveProjects(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  { from, to }: { from: Id<"users">; to: Id<"users"> },
): Promise<void> {
  const rows = ctx.db
    .query("projectMembers")
    .withIndex("by_user", (q) =>
      q.eq("organizationId", organizationId).eq("userId", from).eq("status", "active"),
    );
  for (const row of await rows.take(MOVED_AT_MOST)) {
    const own = await rowOf(ctx, row.projectId, to);
    if (own?.status === "active") {
      const role = row.role === "lead" ? "lead" : own.role;
      await ctx.db.patch("projectMembers", own._id, { role });
      await ctx.db.delete("projectMembers", row._id);
      continue;
    }
    if (own) await ctx.db.delete("projectMembers", own._id);
    await ctx.db.patch("projectMembers", row._id, { userId: to });
    if (row.isOfTeam) await handOutAgain(ctx, organizationId, row.projectId);
  }
}
/** More than these are rare, and are added anew. */
const MOVED_AT_MOST = 1000;

export async function invitedBy(ctx: QueryCtx, inviteId: Id<"memberships">): Promise<TeamRow[]> {
  return await ctx.db
    .query("projectMembers")
    .withIndex("by_invite", (q) => q.eq("inviteId", inviteId))
    .take(MAX_TEAM_PROJECTS);
}

async function requireAnotherLead(ctx: QueryCtx, project: Project, row: TeamRow): Promise<void> {
  if (row.role !== "lead" || row.status !== "active") return;
  const team = await teamOf(ctx, project, "active");
  if (team.some(({ _id, role }) => role === "lead" && _id !== row._id)) return;
  const message = "Hand the lead over first: this is the project's last one.";
  throw new ApiError("CONFLICT", message, { details: { userId: row.userId ?? null } });
}

export function isOfTeam({ customProperties }: Project): boolean {
  return customProperties.visibility === "team";
}

export async function written(ctx: QueryCtx, id: Id<"projectMembers">): Promise<TeamRow> {
  const row = await ctx.db.get("projectMembers", id);
  if (!row) throw new Error("A team's row vanished within its own transaction.");
  return row;
}

type Verb = "member_added" | "member_removed";

export async function recordTeam(
  store: ObjectStore,
  project: Project,
  verb: Verb,
  userId: Id<"users">,
  role: ProjectRole,
): Promise<void> {
  await store.record({
    ...{ action: `project.${verb}`, objectType: "project", objectId: project._id },
    changes: changesOf(verb, userId, role),
    event: { data: eventDataOf(project, { userId, role }) },
  });
}

/** Where the projects are many, and are not read for it. */
async function recordOf(
  ctx: MutationCtx,
  scope: WriteScope,
  { projectId, role }: TeamRow,
  verb: Verb,
  userId: Id<"users">,
): Promise<void> {
  await record(ctx, scope, {
    ...{ action: `project.${verb}`, objectType: "project", objectId: projectId },
    changes: changesOf(verb, userId, role),
    event: { data: { id: projectId, type: "project_member", userId, role } },
  });
}

function changesOf(
  verb: Verb,
  userId: Id<"users">,
  role: ProjectRole,
): { field: string; before?: string; after?: string }[] {
  const when = verb === "member_added" ? "after" : "before";
  return [
    { field: "userId", [when]: userId },
    { field: "role", [when]: role },
  ];
}
