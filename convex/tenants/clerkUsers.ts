import type { MutationCtx } from "../_generated/server";
import { wipeCredentials } from "../accounts/credentials";
import { accountAtClerk } from "../kit/clerk";
import type { Outcome } from "../kit/incomingWebhook";
import { lateness, remember, rememberDeletion, type Telling } from "./clerkHistory";
import { endMembershipsOf } from "./clerkOrganizations";
import { findOrMakeUser, withEmail } from "./users";

/** As Clerk tells of a user; the e-mail is the primary one, and only if Clerk has verified it. */
export type ToldUser = Telling & { name?: string; email?: string };

export async function applyUser(ctx: MutationCtx, told: ToldUser): Promise<Outcome> {
  const late = await lateness(ctx, told);
  if (late !== null) return { status: "ignored", note: late };
  await remember(ctx, told);
  const { id: subject, name, email } = told;
  const user = await findOrMakeUser(ctx, {
    subject,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
  });
  if (name !== undefined && name !== user.name) await ctx.db.patch("users", user._id, { name });
  if (email === undefined || email === user.email) return { status: "applied" };
  const { email: now } = await withEmail(ctx, user, email);
  if (now === email) return { status: "applied" };
  return { status: "applied", note: "The e-mail is another user's, who keeps it." };
}

/**
 * A user who is deleted at Clerk has no access any more, by whatever way: sessions end, tokens and
 * passwords open nothing, memberships end. Where they are the last owner the membership stays, as a
 * name alone, until there is another owner. The audit trail keeps who did what.
 */
export async function deleteUser(
  ctx: MutationCtx,
  traceId: string,
  clerkId: string,
): Promise<Outcome> {
  await rememberDeletion(ctx, clerkId);
  const user = await accountAtClerk(ctx, clerkId);
  if (!user) return { status: "applied" };
  await wipeCredentials(ctx, user._id);
  await ctx.db.patch("users", user._id, { deletedAt: Date.now() });
  const outcome = await endMembershipsOf(ctx, traceId, user);
  // By the e-mail an operator finds an owner who has to be given new credentials.
  if (outcome.status === "applied") {
    await ctx.db.patch("users", user._id, { email: undefined, emailKey: undefined });
  }
  return outcome;
}
