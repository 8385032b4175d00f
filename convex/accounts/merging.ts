import { handTasksOn } from "../tasks/handing";
import { moveProjects } from "../team/members";
import { handOutTeamsAgain } from "../team/sightRows";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { type Role, seesAll } from "../kit/scopes";
import { moveConnections } from "../oauth/connections";
import { moveAccounts } from "../oauth/identities";
import { record, type WriteScope } from "../ontology/effects";
import { rememberDeletion } from "../tenants/clerkHistory";
import { type Membership, recordMember } from "../tenants/members";
import { setProvedEmail } from "./addresses";
import { moveSecondFactors } from "./factorChanges";
import { boundedMemberships, closeAccount } from "./leaving";
import { languageOfPerson, queueAccountMail } from "./mail";
import { usedUp } from "./oneTimeTokens";
import { beginRemoval } from "./removals";
import { addressOf } from "./verified";
import { membershipOf } from "../kit/memberships";

/**
 * Two accounts of one person, who has proved both: signed in to the one that stays, with a token that was
 * given out to the other. What was done under the other stays as it was written: history names who did it
 * by the id of then, and `mergedInto` says who that is now.
 */
type User = Doc<"users">;

const RANK: Record<Role, number> = { viewer: 0, member: 1, manager: 2, owner: 3 };

/**
 * What is the other's goes to the account that stays: memberships (of two in one organization the higher
 * role), passkeys, an authenticator and other ways to sign in where it has none of its own, connected mailboxes, address and username where it
 * has none. @throws CONFLICT for the same account, and for more than a hundred organizations
 */
export async function mergeAccounts(
  ctx: MutationCtx,
  { stays, goesId }: { stays: User; goesId: Id<"users"> },
  scopeIn: (id: Id<"organizations">) => WriteScope,
): Promise<void> {
  const goes = await ctx.db.get("users", goesId);
  if (!goes || goes.deletedAt !== undefined) throw usedUp();
  if (stays._id === goes._id) {
    throw new ApiError("CONFLICT", "The token is of this account: get one signed in to the other.");
  }
  const memberships = await boundedMemberships(ctx, goes._id);
  const addresses = [...new Set([addressOf(stays), addressOf(goes)])].filter((to) => to !== null);
  for (const membership of memberships) {
    await moveMembership(ctx, stays, membership, scopeIn(membership.organizationId));
  }
  await tellOrganizations(ctx, { stays, goes, memberships }, scopeIn);
  await moveAccounts(ctx, goes._id, stays._id);
  await moveConnections(ctx, goes._id, stays._id);
  await moveSecondFactors(ctx, goes._id, stays._id);
  await closeAccount(ctx, goes, { mergedInto: stays._id });
  await inherit(ctx, stays, goes);
  await tell(ctx, stays, addresses);
  const organizationIds = memberships.map(({ organizationId }) => organizationId);
  await beginRemoval(ctx, { userId: goes._id, organizationIds, mergedInto: stays._id });
}

async function moveMembership(
  ctx: MutationCtx,
  stays: User,
  { _id, organizationId, role, userId }: Membership,
  scope: WriteScope,
): Promise<void> {
  const own = await membershipOf(ctx, stays._id, organizationId);
  await moveProjects(ctx, organizationId, { from: userId, to: stays._id });
  await handTasksOn(ctx, scope, { from: userId, to: stays._id });
  if (own === null) {
    await ctx.db.patch("memberships", _id, { userId: stays._id });
    await recordMember(ctx, scope, "member.joined", stays._id, [{ field: "role", after: role }]);
  } else {
    await ctx.db.delete("memberships", _id);
    if (RANK[role] > RANK[own.role]) {
      await ctx.db.patch("memberships", own._id, { role });
      if (seesAll(role) && !seesAll(own.role)) await handOutTeamsAgain(ctx, organizationId);
      const changes = [{ field: "role", before: own.role, after: role }];
      await recordMember(ctx, scope, "member.role_changed", stays._id, changes);
    }
  }
  await recordMember(ctx, scope, "member.left", userId, [{ field: "role", before: role }]);
}

/** In the trail of every organization of either. */
async function tellOrganizations(
  ctx: MutationCtx,
  { stays, goes, memberships }: { stays: User; goes: User; memberships: Membership[] },
  scopeIn: (id: Id<"organizations">) => WriteScope,
): Promise<void> {
  const ofStays = await boundedMemberships(ctx, stays._id);
  const concerned = new Set([...memberships, ...ofStays].map((each) => each.organizationId));
  for (const organizationId of concerned) {
    await record(ctx, scopeIn(organizationId), {
      ...{ action: "user.merged", objectType: "user", objectId: stays._id },
      changes: [{ field: "mergedFrom", after: goes._id }],
    });
  }
}

/** What the account that stays has none of; its own password, Clerk account, address and name win. */
async function inherit(ctx: MutationCtx, stays: User, goes: User): Promise<void> {
  const { clerkUserId, passwordHash, username, email } = goes;
  if (clerkUserId !== undefined) {
    if (stays.clerkUserId === undefined) {
      await ctx.db.patch("users", goes._id, { clerkUserId: undefined });
    } else {
      // Clerk would have two accounts for one person: the other signs nobody in any more.
      await rememberDeletion(ctx, clerkUserId);
    }
  }
  await ctx.db.patch("users", stays._id, {
    ...(stays.clerkUserId === undefined && clerkUserId !== undefined ? { clerkUserId } : {}),
    ...(stays.passwordHash === undefined && passwordHash !== undefined
      ? { passwordHash, passwordVersion: (stays.passwordVersion ?? 0) + 1 }
      : {}),
    ...(stays.username === undefined && username !== undefined ? { username } : {}),
    isPlatformAdmin: stays.isPlatformAdmin || goes.isPlatformAdmin,
  });
  if (stays.email === undefined && email !== undefined) await setProvedEmail(ctx, stays, email);
}

async function tell(ctx: MutationCtx, stays: User, addresses: string[]): Promise<void> {
  const email = addressOf(stays) ?? addresses[0];
  for (const to of addresses) {
    await queueAccountMail(ctx, {
      ...{ userId: stays._id, to, language: languageOfPerson(stays) },
      ...{ template: "accounts_joined", data: email === undefined ? {} : { email } },
    });
  }
}
