import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, invalidFields } from "../kit/errors";
import { organizationOf } from "../kit/own";
import type { RequestOrigin } from "../kit/requestOrigin";
import type { WriteScope } from "../ontology/effects";
import { rememberDeletion } from "../tenants/clerkHistory";
import { isLastOwner, type Membership, removeMember } from "../tenants/members";
import { wipeCredentials } from "./credentials";
import { deleteExportsOf } from "./dataExport";
import { languageOfPerson, queueAccountMail } from "./mail";
import { activeMemberships } from "./memberships";
import { beginRemoval } from "./removals";
import { recordForPerson } from "./trail";
import { forgetTries, triesOf } from "./tries";
import { addressOf } from "./verified";

/**
 * A person deletes their account. What they did stays in the trails and histories of organizations, under
 * their id and name; everything by which they are reached or get in is gone, in this transaction as far
 * as access goes, the rest by a job.
 */
type User = Doc<"users">;

/** Memberships that end, or move, in one transaction. */
export const MOST_ORGANIZATIONS = 100;

/**
 * @throws CONFLICT for the last owner of an organization, which `details.organizations` names, and for who
 *   belongs to more than a hundred
 */
export async function deleteAccount(
  ctx: MutationCtx,
  user: User,
  {
    request,
    scopeIn,
  }: { request: RequestOrigin; scopeIn: (id: Id<"organizations">) => WriteScope },
): Promise<void> {
  const memberships = await boundedMemberships(ctx, user._id);
  await requireOtherOwners(ctx, memberships);
  await recordForPerson(ctx, user, { action: "user.deleted" }, request);
  for (const membership of memberships) {
    await removeMember(ctx, scopeIn(membership.organizationId), membership);
  }
  await sayGoodbye(ctx, user);
  await closeAccount(ctx, user);
  const organizationIds = memberships.map(({ organizationId }) => organizationId);
  await beginRemoval(ctx, { userId: user._id, organizationIds });
}

/** Nobody gets in by it any more, it has no address and no username, and Clerk does not bring it back. */
export async function closeAccount(
  ctx: MutationCtx,
  user: User,
  { mergedInto }: { mergedInto?: Id<"users"> } = {},
): Promise<void> {
  await wipeCredentials(ctx, user._id);
  await deleteExportsOf(ctx, user._id);
  if (user.clerkUserId !== undefined && mergedInto === undefined) {
    await rememberDeletion(ctx, user.clerkUserId);
  }
  await ctx.db.patch("users", user._id, {
    ...{ email: undefined, emailKey: undefined },
    ...{ pendingEmail: undefined, pendingEmailKey: undefined },
    ...{ username: undefined, avatarAttachmentId: undefined, preferences: undefined },
    ...{ locale: undefined, timeZone: undefined },
    isPlatformAdmin: false,
    deletedAt: Date.now(),
    ...(mergedInto === undefined ? {} : { mergedInto }),
  });
}

/** @throws CONFLICT beyond a hundred */
export async function boundedMemberships(
  ctx: QueryCtx,
  userId: Id<"users">,
): Promise<Membership[]> {
  const memberships = await activeMemberships(ctx, userId, MOST_ORGANIZATIONS + 1);
  if (memberships.length <= MOST_ORGANIZATIONS) {
    return memberships.map((membership) => ({ ...membership, userId }));
  }
  const message = `More than ${MOST_ORGANIZATIONS} organizations are concerned: leave some of them first.`;
  throw new ApiError("CONFLICT", message, { details: { limit: MOST_ORGANIZATIONS } });
}

async function requireOtherOwners(ctx: QueryCtx, memberships: Membership[]): Promise<void> {
  const organizations: { id: string; name: string }[] = [];
  for (const membership of memberships) {
    if (membership.role !== "owner" || !(await isLastOwner(ctx, membership))) continue;
    const { _id: id, name } = await organizationOf(ctx, membership);
    organizations.push({ id, name });
  }
  if (organizations.length === 0) return;
  const names = organizations.map(({ name }) => name).join(", ");
  const message = `You are the last owner of ${names}: make somebody else an owner first.`;
  throw new ApiError("CONFLICT", message, { details: { organizations } });
}

async function sayGoodbye(ctx: MutationCtx, user: User): Promise<void> {
  const to = addressOf(user);
  if (to === null) return;
  await forgetTries(ctx, await triesOf(ctx, to));
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user) },
    ...{ template: "account_deleted", data: {} },
  });
}

/** An account that has a password is deleted with it. @throws VALIDATION_ERROR */
export function requirePasswordGiven(user: User, password: string | undefined): void {
  if (user.passwordHash === undefined || password !== undefined) return;
  throw invalidFields([{ field: "password", message: "is required: the account has one" }]);
}
