import { joinInvited } from "../team/members";
import { v } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { errorDataOf } from "../kit/errors";
import type { Outcome } from "../kit/incomingWebhook";
import type { Role } from "../kit/scopes";
import type { WriteScope } from "../ontology/effects";
import { changeSettings, insertOrganization, recordFounding, systemScope } from "../tenancy";
import {
  isDeletedAtClerk,
  lastTold,
  lateness,
  remember,
  rememberDeletion,
  type Telling,
} from "./clerkHistory";
import { inviteOf, revokeInvite } from "./invites";
import { addMember, changeRole, type Membership, removeMember, requireRoom } from "./members";
import { findOrMakeUser } from "./users";
import { membershipOf } from "../kit/memberships";

/**
 * Clerk's organizations are organizations here, and who belongs to one there belongs to it here. An
 * organization is founded with its first owner, because it must always have one; for the same reason
 * the last owner stays until there is another, whatever Clerk says.
 */
export type ClerkOrganization = Telling & { name: string };
export type ClerkMembership = Telling & {
  role: string;
  organization: { id: string; name: string };
  user: { id: string; name?: string };
};

/** So many memberships end in one transaction when an organization is deleted. */
const BATCH = 100;

export async function applyOrganization(
  ctx: MutationCtx,
  traceId: string,
  told: ClerkOrganization,
): Promise<Outcome> {
  const late = await lateness(ctx, told);
  if (late !== null) return { status: "ignored", note: late };
  const { name } = told;
  await remember(ctx, told, { name });
  const known = await organizationAt(ctx, told.id);
  if (!known) return { status: "applied", note: "It is founded here with its first owner." };
  await changeSettings(ctx, clerkScope(known._id, traceId), known, { name });
  return { status: "applied", organizationId: known._id };
}

/** The books stay, and so do the owners; whom Clerk made a member is none any more. */
export async function deleteOrganization(
  ctx: MutationCtx,
  traceId: string,
  clerkId: string,
): Promise<Outcome> {
  await rememberDeletion(ctx, clerkId);
  const known = await organizationAt(ctx, clerkId);
  if (!known) return { status: "applied" };
  await endBatch(ctx, known._id, traceId, null);
  return { status: "applied", organizationId: known._id };
}

export async function applyMembership(
  ctx: MutationCtx,
  traceId: string,
  told: ClerkMembership,
): Promise<Outcome> {
  const { id, role: clerkRole, organization: at, user: person } = told;
  for (const clerkId of [at.id, person.id]) {
    if (await isDeletedAtClerk(ctx, clerkId)) {
      return { status: "ignored", note: "Its user or organization has been deleted at Clerk." };
    }
  }
  const late = await lateness(ctx, told);
  if (late !== null) return { status: "ignored", note: late };

  const role = roleOf(clerkRole);
  const organization =
    (await organizationAt(ctx, at.id)) ??
    (role === "owner" ? await foundOf(ctx, traceId, at) : null);
  if (!organization) return { status: "failed", note: "Its organization has no owner yet." };
  const { name } = person;
  const user = await findOrMakeUser(ctx, {
    subject: person.id,
    ...(name === undefined ? {} : { name }),
  });
  const { _id: organizationId } = organization;
  const scope = clerkScope(organizationId, traceId);
  const membership = await activeMembershipOf(ctx, organizationId, user._id);
  if (!membership && (await lastTold(ctx, id))) {
    return { status: "ignored", note: "The member was removed here.", organizationId };
  }
  return await heldBack(organizationId, async () => {
    if (membership) await changeRole(ctx, scope, membership, role);
    else {
      // An invite that is open for the same person has kept them a place, and has served its turn.
      const invite = await inviteOf(ctx, organizationId, user);
      if (invite) {
        await joinInvited(ctx, scope, invite._id, user._id);
        await revokeInvite(ctx, scope, invite);
      } else await requireRoom(ctx, organization);
      await addMember(ctx, scope, user._id, role);
    }
    const member = membership ?? (await activeMembershipOf(ctx, organizationId, user._id));
    if (!member) throw new Error("The membership that was made is missing.");
    await ctx.db.patch("memberships", member._id, { clerkMembershipId: id });
    await remember(ctx, told);
  });
}

export async function deleteMembership(
  ctx: MutationCtx,
  traceId: string,
  clerkId: string,
): Promise<Outcome> {
  await rememberDeletion(ctx, clerkId);
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_clerkMembershipId", (q) => q.eq("clerkMembershipId", clerkId))
    .unique();
  if (!membership || !isActive(membership)) return { status: "applied" };
  const { organizationId } = membership;
  return await heldBack(organizationId, async () => {
    await removeMember(ctx, clerkScope(organizationId, traceId), membership);
  });
}

/** The memberships of a user whom Clerk has deleted: all end but those of a last owner. */
export async function endMembershipsOf(
  ctx: MutationCtx,
  traceId: string,
  user: Doc<"users">,
): Promise<Outcome> {
  const memberships = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", user._id))
    .collect();
  let outcome: Outcome = { status: "applied" };
  for (const membership of memberships.filter(isActive)) {
    const { organizationId } = membership;
    const ended = await heldBack(organizationId, async () => {
      await removeMember(ctx, clerkScope(organizationId, traceId), membership);
    });
    if (ended.status === "failed") outcome = ended;
  }
  return outcome;
}

/** What is left of the memberships that Clerk made in an organization that it has deleted. */
export const endMemberships = internalMutation({
  args: { organizationId: v.id("organizations"), traceId: v.string(), cursor: v.string() },
  returns: v.null(),
  handler: async (ctx, { organizationId, traceId, cursor }): Promise<null> => {
    await endBatch(ctx, organizationId, traceId, cursor);
    return null;
  },
});

async function endBatch(
  ctx: MutationCtx,
  organizationId: Id<"organizations">,
  traceId: string,
  cursor: string | null,
): Promise<void> {
  const { page, isDone, continueCursor } = await ctx.db
    .query("memberships")
    .withIndex("by_organization_status", (q) =>
      q.eq("organizationId", organizationId).eq("status", "active"),
    )
    .paginate({ numItems: BATCH, cursor });
  const scope = clerkScope(organizationId, traceId);
  for (const membership of page.filter(isActive)) {
    const isOfClerk = membership.clerkMembershipId !== undefined;
    if (isOfClerk && membership.role !== "owner") await removeMember(ctx, scope, membership);
  }
  if (isDone) return;
  const rest = { organizationId, traceId, cursor: continueCursor };
  await ctx.scheduler.runAfter(0, internal.tenants.clerkOrganizations.endMemberships, rest);
}

const ROLES = new Map<string, Role>([
  // Clerk's own two; `basic_member` is what `org:member` was called before there were others.
  ["admin", "owner"],
  ["basic_member", "member"],
  // Custom roles that are called as ours are.
  ["owner", "owner"],
  ["manager", "manager"],
  ["member", "member"],
  ["viewer", "viewer"],
]);

/** Who has a role that we cannot tell may look, and no more. */
function roleOf(clerkRole: string): Role {
  return ROLES.get(clerkRole.replace(/^org:/, "")) ?? "viewer";
}

/**
 * What our own rules refuse now is tried again by and by: another owner may be under way, or a larger
 * plan. They refuse before they write anything.
 */
async function heldBack(
  organizationId: Id<"organizations">,
  attempt: () => Promise<void>,
): Promise<Outcome> {
  try {
    await attempt();
    return { status: "applied", organizationId };
  } catch (error) {
    const refusal = errorDataOf(error);
    if (!refusal) throw error;
    return { status: "failed", note: refusal.message, organizationId };
  }
}

async function foundOf(
  ctx: MutationCtx,
  traceId: string,
  { id: clerkOrganizationId, name: nameThen }: ClerkMembership["organization"],
): Promise<Doc<"organizations">> {
  // Its own event may have come before this one, with a name of later.
  const name = (await lastTold(ctx, clerkOrganizationId))?.name ?? nameThen;
  const organizationId = await insertOrganization(ctx, name);
  await ctx.db.patch("organizations", organizationId, { clerkOrganizationId });
  await recordFounding(ctx, clerkScope(organizationId, traceId), name);
  const organization = await ctx.db.get("organizations", organizationId);
  if (!organization) throw new Error("The organization that was founded is missing.");
  return organization;
}

async function organizationAt(
  ctx: QueryCtx,
  clerkOrganizationId: string,
): Promise<Doc<"organizations"> | null> {
  return await ctx.db
    .query("organizations")
    .withIndex("by_clerkOrganizationId", (q) => q.eq("clerkOrganizationId", clerkOrganizationId))
    .unique();
}

async function activeMembershipOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
): Promise<Membership | null> {
  const membership = await membershipOf(ctx, userId, organizationId);
  return membership && isActive(membership) ? membership : null;
}

function isActive(membership: Doc<"memberships">): membership is Membership {
  return membership.status === "active" && membership.userId !== undefined;
}

function clerkScope(organizationId: Id<"organizations">, traceId: string): WriteScope {
  const actor = { type: "system" as const, id: "clerk", name: "Clerk" };
  return { ...systemScope(organizationId, traceId), actor };
}
