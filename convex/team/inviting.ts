import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { userByEmail } from "../accounts/addresses";
import { userByUsername } from "../accounts/usernames";
import { tellInApp } from "../delivery/inbox";
import { ApiError, invalidFields } from "../kit/errors";
import { membershipOf } from "../kit/memberships";
import type { ObjectDoc } from "../ontology/registry";
import { inviteMember, inviteOf, type Invitee, openInviteOfEmail } from "../tenants/invites";
import { invitedBy, isOfTeam, recordTeam, type TeamContext, written } from "./members";
import type { ProjectRole } from "./roles";
import { MAX_TEAM_PROJECTS, requireRoomInTeam, requireRoomOfPerson } from "./room";
import { rowOf, type TeamRow } from "./rows";
import { handOutAgain } from "./sightRows";

/** How people come into a project's team. */
type Project = ObjectDoc<"project">;

/**
 * A member of the organization is in at once; somebody else is invited to organization and project.
 * @throws CONFLICT for who is in or invited, and where there is no room; VALIDATION_ERROR for a username
 *   that is nobody's; what `inviteMember` throws
 */
export async function invite(
  context: TeamContext,
  project: Project,
  { invitee, role }: { invitee: Invitee; role: ProjectRole },
): Promise<TeamRow> {
  const { ctx, store, organization } = context;
  await requireRoomInTeam(ctx, project);
  const user = await userInvited(ctx, invitee);
  const membership = user && (await membershipOf(ctx, user._id, organization._id));
  if (user && membership?.status === "active") return await add(context, project, user, role);
  const open =
    (user && (await inviteOf(ctx, organization._id, user))) ??
    ("email" in invitee ? await openInviteOfEmail(ctx, organization._id, invitee.email) : null);
  const inviteId =
    open?._id ??
    (await inviteMember(ctx, store.scope, organization, { invitee, role: "member" })).invite._id;
  const waiting = await invitedBy(ctx, inviteId);
  if (waiting.some(({ projectId }) => projectId === project._id)) {
    throw new ApiError("CONFLICT", "They are invited to this project already.", {
      details: { inviteId },
    });
  }
  if (waiting.length >= MAX_TEAM_PROJECTS) {
    const message = `One invite is to at most ${MAX_TEAM_PROJECTS} projects.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_TEAM_PROJECTS } });
  }
  const id = await ctx.db.insert("projectMembers", {
    ...{ organizationId: organization._id, projectId: project._id, inviteId, role },
    ...{ status: "invited" as const, isOfTeam: isOfTeam(project), createdAt: Date.now() },
  });
  await store.record({
    ...{ action: "project.member_invited", objectType: "project", objectId: project._id },
    changes: [{ field: "role", after: role }],
  });
  return await written(ctx, id);
}

async function add(
  context: TeamContext,
  project: Project,
  user: Doc<"users">,
  role: ProjectRole,
): Promise<TeamRow> {
  const row = await takeIn(context, project, user._id, role);
  if (isOfTeam(project)) await handOutAgain(context.ctx, project.organizationId, project._id);
  return row;
}

/**
 * A member of the organization is in the team from now on; what their devices have to pull anew is for who
 * calls to see to.
 * @throws CONFLICT for who is in already, and where there is no room
 */
export async function takeIn(
  { ctx, store, organization }: TeamContext,
  project: Project,
  userId: Id<"users">,
  role: ProjectRole,
): Promise<TeamRow> {
  const { organizationId, _id: projectId } = project;
  const known = await rowOf(ctx, projectId, userId);
  if (known?.status === "active") {
    throw new ApiError("CONFLICT", "They are in the project's team already.", {
      details: { userId },
    });
  }
  if (isOfTeam(project)) await requireRoomOfPerson(ctx, { organizationId, userId });
  const now = Date.now();
  const fields = { role, status: "active" as const, isOfTeam: isOfTeam(project), joinedAt: now };
  if (known) await ctx.db.patch("projectMembers", known._id, { ...fields, leftAt: undefined });
  const id =
    known?._id ??
    (await ctx.db.insert("projectMembers", {
      ...{ organizationId, projectId, userId, ...fields, createdAt: now },
    }));
  await recordTeam(store, project, "member_added", userId, role);
  if (userId !== store.scope.actor.id) {
    await tellInApp(ctx, organization, userId, {
      ...{ template: "project.member_added", objectId: projectId },
      words: ADDED,
      name: project.name,
    });
  }
  return await written(ctx, id);
}

const ADDED = {
  en: "You are in the team of the project #",
  de: "Sie sind im Team des Projekts #",
};

async function userInvited(ctx: QueryCtx, invitee: Invitee): Promise<Doc<"users"> | null> {
  if ("email" in invitee) return await userByEmail(ctx, invitee.email);
  const user = await userByUsername(ctx, invitee.username);
  if (user) return user;
  throw invalidFields([{ field: "username", message: "is nobody's: take their e-mail" }]);
}
