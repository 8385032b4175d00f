import type { OrderedQuery } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { userByEmail } from "../accounts/addresses";
import { userByUsername } from "../accounts/usernames";
import { requireVerifiedEmail } from "../accounts/verified";
import { queueEmail } from "../delivery/queueEmail";
import { languageOf } from "../delivery/wording";
import { ApiError, notFound } from "../kit/errors";
import type { Role } from "../kit/scopes";
import { emailKey } from "../kit/email";
import { own } from "../kit/own";
import { newToken, readToken } from "../kit/tokens";
import { record, type WriteScope } from "../ontology/effects";
import { forgetInvited, joinInvited } from "../team/members";
import { type Membership, recordMember, requireRoom } from "./members";
import { factorRuleOf } from "./secondFactorRule";
import { membershipOf } from "../kit/memberships";

/**
 * An invite is a membership that is not anybody's yet. Its token alone opens nothing: whoever accepts
 * must be signed in with the e-mail that was invited, verified.
 */
export type Invite = Doc<"memberships"> & { invite: NonNullable<Doc<"memberships">["invite"]> };
type Organization = Doc<"organizations">;

export const INVITE_DAYS = 7;
const DAY = 24 * 60 * 60 * 1000;
/** Open at a time: more are no invitations any more. */
const MAX_OPEN = 200;

/** What the one who invites is given: the token, this once. */
export type Issued = { invite: Invite; token: string; notificationId: Id<"notifications"> | null };

/** Whom somebody invites: an address, or a person by their username, whose address they do not learn. */
export type Invitee = { email: string } | { username: string };

/**
 * @throws CONFLICT for who is a member or invited; USER_NOT_FOUND for a username that nobody has, or
 *   somebody without a proved address; TIER_LIMIT_EXCEEDED
 */
export async function inviteMember(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Organization,
  { invitee, role }: { invitee: Invitee; role: Role },
): Promise<Issued> {
  requireVerifiedEmail(scope);
  const who = await freeInvitee(ctx, organization._id, invitee);
  await requireRoom(ctx, organization);
  const open = await openInvites(ctx, organization._id).take(MAX_OPEN);
  if (open.length === MAX_OPEN) {
    throw new ApiError("CONFLICT", `At most ${MAX_OPEN} invites can be open: revoke some.`);
  }
  const { token, ...secret } = newSecret();
  const invite = { ...who, invitedBy: scope.actor.id, ...secret };
  const id = await ctx.db.insert("memberships", {
    organizationId: organization._id,
    role,
    status: "invited",
    invite,
    createdAt: Date.now(),
  });
  await recordInvite(ctx, scope, "invite.created", id, [
    namedBy(who, "after"),
    { field: "role", after: role },
  ]);
  return await issued(ctx, scope, organization, id, token);
}

/** A new token for another seven days; the one before is worth nothing from now on. */
export async function resendInvite(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Organization,
  known: Invite,
): Promise<Issued> {
  requireVerifiedEmail(scope);
  const { token, ...secret } = newSecret();
  await ctx.db.patch("memberships", known._id, { invite: { ...known.invite, ...secret } });
  await recordInvite(ctx, scope, "invite.resent", known._id, []);
  return await issued(ctx, scope, organization, known._id, token);
}

export async function revokeInvite(
  ctx: MutationCtx,
  scope: WriteScope,
  known: Invite,
): Promise<void> {
  await ctx.db.delete("memberships", known._id);
  await forgetInvited(ctx, known._id);
  await recordInvite(ctx, scope, "invite.revoked", known._id, [
    namedBy(known.invite, "before"),
    { field: "role", before: known.role },
  ]);
}

/**
 * The invite becomes the person's membership.
 * @throws GONE for a token that is unknown, used or expired (all the same, so that tries teach
 *   nothing); FORBIDDEN for another person than was invited
 */
export async function acceptInvite(
  ctx: MutationCtx,
  person: Doc<"users">,
  token: string,
  scopeIn: (organizationId: Id<"organizations">) => WriteScope,
): Promise<Membership> {
  const known = await inviteOfToken(ctx, token);
  if (!known || known.invite.expiresAt <= Date.now()) {
    throw new ApiError("GONE", "The invite is used, expired or was never made: ask for another.");
  }
  if (!isFor(known.invite, person)) {
    const message = "The invite is for another e-mail: sign in with that one.";
    throw new ApiError("FORBIDDEN", message);
  }
  const { organizationId, role } = known;
  const already = await membershipOf(ctx, person._id, organizationId);
  if (already) throw new ApiError("CONFLICT", "You are a member of this organization already.");
  const accepted = { userId: person._id, status: "active" as const };
  await ctx.db.patch("memberships", known._id, {
    ...accepted,
    ...(await factorRuleOf(ctx, organizationId)),
    invite: undefined,
  });
  const changes = [{ field: "role", after: role }];
  const scope = scopeIn(organizationId);
  await recordMember(ctx, scope, "member.joined", person._id, changes);
  await joinInvited(ctx, scope, known._id, person._id);
  return { ...known, ...accepted };
}

function isFor({ inviteeId, emailKey: key }: Invite["invite"], person: Doc<"users">): boolean {
  if (inviteeId !== undefined) return inviteeId === person._id;
  // Whoever has the letter's token and registered with its address need not have proved that yet.
  return key !== undefined && (person.emailKey ?? person.pendingEmailKey) === key;
}

/** @throws INVITE_NOT_FOUND */
export async function requireInvite(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<Invite> {
  return await own(ctx, { organizationId }, "memberships", id, isInvite);
}

export function openInvites(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): OrderedQuery<DataModel["memberships"]> {
  return ctx.db
    .query("memberships")
    .withIndex("by_organization_status", (q) =>
      q.eq("organizationId", organizationId).eq("status", "invited"),
    )
    .order("desc");
}

export function isInvite(membership: Doc<"memberships">): membership is Invite {
  return membership.status === "invited" && membership.invite !== undefined;
}

/** The open invite of a person: by their e-mail, or by themselves. */
export async function inviteOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  { _id, emailKey: key }: Doc<"users">,
): Promise<Invite | null> {
  const ofAddress = key === undefined ? null : await inviteOfAddress(ctx, organizationId, key);
  return ofAddress ?? (await inviteOfPerson(ctx, organizationId, _id));
}

async function inviteOfPerson(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  userId: Id<"users">,
): Promise<Invite | null> {
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_invited_person", (q) =>
      q.eq("organizationId", organizationId).eq("invite.inviteeId", userId),
    )
    .first();
  return membership && isInvite(membership) ? membership : null;
}

async function inviteOfAddress(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  key: string,
): Promise<Invite | null> {
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_invited_email", (q) =>
      q.eq("organizationId", organizationId).eq("invite.emailKey", key),
    )
    .first();
  return membership && isInvite(membership) ? membership : null;
}

/** The open invite of an address. */
export async function openInviteOfEmail(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  email: string,
): Promise<Invite | null> {
  return await inviteOfAddress(ctx, organizationId, emailKey(email));
}

async function inviteOfToken(ctx: QueryCtx, token: string): Promise<Invite | null> {
  const credential = readToken(token);
  if (credential?.kind !== "invite") return null;
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_invite_token", (q) => q.eq("invite.tokenHash", credential.tokenHash))
    .unique();
  return membership && isInvite(membership) ? membership : null;
}

type Named = Pick<Invite["invite"], "email" | "emailKey" | "username" | "inviteeId">;

/**
 * What an invite says of whom it is for. What is invited by e-mail and what by username do not meet:
 * a refusal would tell whose address it is. @throws CONFLICT; USER_NOT_FOUND
 */
async function freeInvitee(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  invitee: Invitee,
): Promise<Named> {
  if ("email" in invitee) {
    const { email } = invitee;
    const key = emailKey(email);
    requireNotInvited("e-mail", await inviteOfAddress(ctx, organizationId, key));
    const holder = await userByEmail(ctx, email);
    if (holder) await requireNoMember(ctx, organizationId, holder, "This e-mail is a member's.");
    return { email, emailKey: key };
  }
  const user = await userByUsername(ctx, invitee.username);
  if (user?.username === undefined || user.email === undefined) throw notFound("user");
  requireNotInvited("person", await inviteOfPerson(ctx, organizationId, user._id));
  await requireNoMember(ctx, organizationId, user, "This person is a member.");
  return { username: user.username, inviteeId: user._id };
}

function requireNotInvited(what: "e-mail" | "person", invited: Invite | null): void {
  if (!invited) return;
  throw new ApiError("CONFLICT", `This ${what} is invited already: send that invite again.`, {
    details: { inviteId: invited._id },
  });
}

async function requireNoMember(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  user: Doc<"users">,
  message: string,
): Promise<void> {
  const membership = await membershipOf(ctx, user._id, organizationId);
  if (membership) throw new ApiError("CONFLICT", message);
}

/** The address that a letter goes to now. @throws USER_NOT_FOUND for who has none any more */
async function addressOfInvite(ctx: QueryCtx, { email, inviteeId }: Named): Promise<string> {
  if (email !== undefined) return email;
  const user = inviteeId === undefined ? null : await ctx.db.get("users", inviteeId);
  if (user?.email === undefined || user.deletedAt !== undefined) throw notFound("user");
  return user.email;
}

function namedBy(
  { email, username }: Named,
  when: "before" | "after",
): { field: string; before?: string; after?: string } {
  return username === undefined
    ? { field: "email", [when]: email ?? "" }
    : { field: "username", [when]: username };
}

function newSecret(): { token: string; tokenHash: string; expiresAt: number } {
  const token = newToken("invite");
  const tokenHash = readToken(token)?.tokenHash;
  if (tokenHash === undefined) throw new Error("A new token cannot be read.");
  return { token, tokenHash, expiresAt: Date.now() + INVITE_DAYS * DAY };
}

/** Without `APP_URL` there is no page that a mail could lead to: the inviter hands the token on. */
async function issued(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Organization,
  id: Id<"memberships">,
  token: string,
): Promise<Issued> {
  const invite = await requireInvite(ctx, organization._id, id);
  const to = await addressOfInvite(ctx, invite.invite);
  const app = process.env.APP_URL?.replace(/\/+$/, "");
  if (!app) return { invite, token, notificationId: null };
  const notificationId = await queueEmail(ctx, {
    organizationId: organization._id,
    template: "invite",
    to,
    membershipId: id,
    language: languageOf(organization),
    data: {
      organization: organization.name,
      recipient: "",
      inviter: scope.actor.name,
      ...toUsername(invite.invite),
    },
    // After the #, browsers send it to no server and no log.
    secretLink: { url: `${app}/invite#token=${token}`, expiresAt: invite.invite.expiresAt },
  });
  return { invite, token, notificationId };
}

/** In the lists of messages it goes to the name: whoever invites by it does not learn the address. */
function toUsername({ username }: Named): { username?: string } {
  return username === undefined ? {} : { username };
}

async function recordInvite(
  ctx: MutationCtx,
  scope: WriteScope,
  action: string,
  id: Id<"memberships">,
  changes: { field: string; before?: string; after?: string }[],
): Promise<void> {
  const data = { id, type: "invite" };
  const happening = { action, objectType: "invite", objectId: id, changes };
  await record(ctx, scope, { ...happening, event: { data } });
}
