import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { ApiError, notFound } from "../kit/errors";
import { idOfAnyTenant } from "../kit/own";
import { type Role, seesAll } from "../kit/scopes";
import { record, type WriteScope } from "../ontology/effects";
import { handTasksOn } from "../tasks/handing";
import { leaveTeams } from "../team/leaving";
import { handOutTeamsAgain } from "../team/sightRows";
import { factorRuleOf } from "./secondFactorRule";
import { membershipOf } from "../kit/memberships";

/**
 * Who may do what: an owner everything; a manager may invite, change and remove whoever is no owner,
 * and makes nobody an owner; everybody may leave. There is always an owner.
 */
export type Membership = Doc<"memberships"> & { userId: Id<"users"> };
type Organization = Pick<Doc<"organizations">, "_id" | "tier">;

/** Of a plan: members and open invites together; null is without a limit. */
export const MEMBER_LIMITS: Record<Doc<"organizations">["tier"], number | null> = {
  free: 2,
  pro: 10,
  premium: null,
};
const REQUIRED_TIER = { free: "pro", pro: "premium", premium: null } as const;

/** @throws TIER_LIMIT_EXCEEDED when the plan has no room for one more */
export async function requireRoom(ctx: QueryCtx, { _id, tier }: Organization): Promise<void> {
  const limit = MEMBER_LIMITS[tier];
  if (limit === null) return;
  const rows = await ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) => q.eq("organizationId", _id))
    .take(limit);
  if (rows.length < limit) return;
  throw new ApiError("TIER_LIMIT_EXCEEDED", `This plan has room for ${limit} members.`, {
    details: { limit, used: rows.length, tier, requiredTier: REQUIRED_TIER[tier] },
  });
}

/** A member of the organization by an id from outside. @throws MEMBER_NOT_FOUND */
export async function requireMember(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Membership> {
  const userId = idOfAnyTenant(ctx, "users", id);
  const membership = userId && (await membershipOf(ctx, userId, organizationId));
  if (!membership || membership.status !== "active") throw notFound("member");
  return { ...membership, userId };
}

/** Who a member is. */
export async function userOf(
  ctx: QueryCtx,
  { userId }: Pick<Doc<"memberships">, "userId">,
): Promise<Doc<"users">> {
  const user = userId && (await ctx.db.get("users", userId));
  if (!user) throw new Error("An active membership has no user.");
  return user;
}

/** @throws FORBIDDEN when an owner is concerned and the caller is none */
export function requireRank(caller: Caller, ...roles: (Role | undefined)[]): void {
  if (caller.kind === "user" && caller.role === "owner") return;
  if (!roles.includes("owner")) return;
  throw new ApiError("FORBIDDEN", "Only an owner makes, changes or removes owners.");
}

/** @throws CONFLICT for the last owner */
async function requireAnotherOwner(ctx: QueryCtx, membership: Membership): Promise<void> {
  if (membership.role !== "owner" || !(await isLastOwner(ctx, membership))) return;
  throw new ApiError("CONFLICT", "There must be another owner first: this is the last one.");
}

export async function isLastOwner(ctx: QueryCtx, membership: Membership): Promise<boolean> {
  const owners = ctx.db
    .query("memberships")
    .withIndex("by_organization", (q) =>
      q.eq("organizationId", membership.organizationId).eq("role", "owner"),
    );
  for await (const { _id, status, userId } of owners) {
    if (status !== "active" || _id === membership._id) continue;
    const user = userId && (await ctx.db.get("users", userId));
    // Whom Clerk has deleted is a name alone, and owns nothing.
    if (user?.deletedAt === undefined) return false;
  }
  return membership.role === "owner";
}

export async function addMember(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"users">,
  role: Role,
): Promise<void> {
  const { organizationId } = scope;
  const rule = await factorRuleOf(ctx, organizationId);
  const membership = { userId, organizationId, role, status: "active", ...rule } as const;
  await ctx.db.insert("memberships", { ...membership, createdAt: Date.now() });
  const changes = [{ field: "role", after: role }];
  await recordMember(ctx, scope, "member.added", userId, changes);
}

/** @throws CONFLICT for the last owner */
export async function changeRole(
  ctx: MutationCtx,
  scope: WriteScope,
  membership: Membership,
  role: Role,
): Promise<void> {
  if (membership.role === role) return;
  await requireAnotherOwner(ctx, membership);
  const sawAll = seesAll(membership.role);
  const seen = sawAll && !seesAll(role) ? { sawAllUntil: Date.now() } : {};
  await ctx.db.patch("memberships", membership._id, { role, ...seen });
  if (sawAll !== seesAll(role)) await handOutTeamsAgain(ctx, membership.organizationId);
  const changes = [{ field: "role", before: membership.role, after: role }];
  await recordMember(ctx, scope, "member.role_changed", membership.userId, changes);
}

/** The user's next request finds no membership. @throws CONFLICT for the last owner */
export async function removeMember(
  ctx: MutationCtx,
  scope: WriteScope,
  membership: Membership,
): Promise<void> {
  await requireAnotherOwner(ctx, membership);
  await ctx.db.delete("memberships", membership._id);
  await leaveTeams(ctx, scope, membership.userId);
  await handTasksOn(ctx, scope, { from: membership.userId, to: null });
  const action = scope.actor.id === membership.userId ? "member.left" : "member.removed";
  const changes = [{ field: "role", before: membership.role }];
  await recordMember(ctx, scope, action, membership.userId, changes);
}

type MemberChange = { field: string; before?: string; after?: string };

/** In the audit trail and, for those who follow, as an event; the actor is the scope's. */
export async function recordMember(
  ctx: MutationCtx,
  scope: WriteScope,
  action: string,
  userId: Id<"users">,
  changes: MemberChange[],
): Promise<void> {
  const data = {
    id: userId,
    type: "member",
    ...Object.fromEntries(
      changes.map(({ field, after, before }) => [field, after ?? before ?? ""]),
    ),
  };
  const happening = { action, objectType: "member", objectId: userId, changes };
  await record(ctx, scope, { ...happening, event: { data } });
}
