import type { OrderedQuery } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVerifiedEmail } from "../accounts/verified";
import { queueEmail } from "../delivery/queueEmail";
import { languageOf } from "../delivery/wording";
import { ApiError } from "../kit/errors";
import type { Role } from "../kit/scopes";
import { emailKey } from "../kit/email";
import { own } from "../kit/own";
import { newToken, readToken } from "../kit/tokens";
import { record, type WriteScope } from "../ontology/effects";
import { type Membership, recordMember, requireRoom } from "./members";

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

/** @throws CONFLICT for a member's e-mail or one that is invited; TIER_LIMIT_EXCEEDED */
export async function inviteMember(
  ctx: MutationCtx,
  scope: WriteScope,
  organization: Organization,
  { email, role }: { email: string; role: Role },
): Promise<Issued> {
  requireVerifiedEmail(scope);
  await requireNobody(ctx, organization._id, email);
  await requireRoom(ctx, organization);
  const open = await openInvites(ctx, organization._id).take(MAX_OPEN);
  if (open.length === MAX_OPEN) {
    throw new ApiError("CONFLICT", `At most ${MAX_OPEN} invites can be open: revoke some.`);
  }
  const { token, ...secret } = newSecret();
  const invite = { email, emailKey: emailKey(email), invitedBy: scope.actor.id, ...secret };
  const id = await ctx.db.insert("memberships", {
    organizationId: organization._id,
    role,
    status: "invited",
    invite,
    createdAt: Date.now(),
  });
  await recordInvite(ctx, scope, "invite.created", id, [
    { field: "email", after: email },
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
  await recordInvite(ctx, scope, "invite.revoked", known._id, [
    { field: "email", before: known.invite.email },
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
  // Whoever has the letter's token and registered with its address need not have proved that yet.
  if ((person.emailKey ?? person.pendingEmailKey) !== known.invite.emailKey) {
    const message = "The invite is for another e-mail: sign in with that one, verified.";
    throw new ApiError("FORBIDDEN", message);
  }
  const { organizationId, role } = known;
  const already = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", person._id).eq("organizationId", organizationId))
    .unique();
  if (already) throw new ApiError("CONFLICT", "You are a member of this organization already.");
  const accepted = { userId: person._id, status: "active" as const };
  await ctx.db.patch("memberships", known._id, { ...accepted, invite: undefined });
  const changes = [{ field: "role", after: role }];
  await recordMember(ctx, scopeIn(organizationId), "member.joined", person._id, changes);
  return { ...known, ...accepted };
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

/** The open invite of an e-mail, by its key; none for a user without one. */
export async function inviteOf(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  key: string | undefined,
): Promise<Invite | null> {
  if (key === undefined) return null;
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_invited_email", (q) =>
      q.eq("organizationId", organizationId).eq("invite.emailKey", key),
    )
    .first();
  return membership && isInvite(membership) ? membership : null;
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

/** @throws CONFLICT when the e-mail is a member's or is invited */
async function requireNobody(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  email: string,
): Promise<void> {
  const key = emailKey(email);
  const invited = await inviteOf(ctx, organizationId, key);
  if (invited) {
    throw new ApiError("CONFLICT", "This e-mail is invited already: send that invite again.", {
      details: { inviteId: invited._id },
    });
  }
  const user = await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", key))
    .first();
  const membership =
    user &&
    (await ctx.db
      .query("memberships")
      .withIndex("by_user", (q) => q.eq("userId", user._id).eq("organizationId", organizationId))
      .unique());
  if (membership) throw new ApiError("CONFLICT", "This e-mail is a member's.");
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
  const app = process.env.APP_URL?.replace(/\/+$/, "");
  if (!app) return { invite, token, notificationId: null };
  const notificationId = await queueEmail(ctx, {
    organizationId: organization._id,
    template: "invite",
    to: invite.invite.email,
    membershipId: id,
    language: languageOf(organization),
    data: {
      organization: organization.name,
      recipient: "",
      inviter: scope.actor.name,
    },
    // After the #, browsers send it to no server and no log.
    secretLink: { url: `${app}/invite#token=${token}`, expiresAt: invite.invite.expiresAt },
  });
  return { invite, token, notificationId };
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
