import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx, type QueryCtx } from "../_generated/server";
import { holderOfProvedEmail, setProvedEmail, userByEmail } from "../accounts/addresses";
import { accountAtClerk } from "../kit/clerk";
import { emailKey, keptEmail } from "../kit/email";
import { moveAccounts } from "../oauth/identities";
import { isDeletedAtClerk } from "./clerkHistory";

/** What a token of Clerk says of its user. The e-mail is one that Clerk has verified. */
const MAX_NAME = 200;

export type ClerkUser = { subject: string; name?: string; email?: string };

/**
 * The user of a verified token, made if this is their first call; nobody if Clerk has told that it
 * has deleted them, whose last token is good for another minute.
 */
export const admit = internalMutation({
  args: { subject: v.string(), name: v.optional(v.string()), email: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { subject, ...claims }) => {
    const user = { subject, ...profileOf(claims) };
    if (!(await isDeletedAtClerk(ctx, subject))) await findOrMakeUser(ctx, user);
    return null;
  },
});

/** What is taken of a token's claims about its user; one that is no name or no address says nothing. */
function profileOf(claims: Omit<ClerkUser, "subject">): Omit<ClerkUser, "subject"> {
  const name = claims.name?.trim() ?? "";
  const email = keptEmail(claims.email ?? "");
  return {
    ...(name === "" || name.length > MAX_NAME ? {} : { name }),
    ...(email === null ? {} : { email }),
  };
}

/**
 * The user who signs in with this Clerk account. A user without one who has the same e-mail is joined
 * with it: that is the same person, since both e-mails are verified.
 */
export async function findOrMakeUser(
  ctx: MutationCtx,
  { subject, name, email }: ClerkUser,
): Promise<Doc<"users">> {
  const known = await accountAtClerk(ctx, subject);
  if (known) {
    const isOver = known.deletedAt !== undefined;
    if (isOver || known.email !== undefined || email === undefined) return known;
    return await withEmail(ctx, known, email);
  }
  const namesake = email === undefined ? null : await holderOfProvedEmail(ctx, email);
  if (namesake && namesake.clerkUserId === undefined) {
    await ctx.db.patch("users", namesake._id, { clerkUserId: subject });
    return { ...namesake, clerkUserId: subject };
  }
  const isFree = email !== undefined && namesake === null;
  const userId = await ctx.db.insert("users", {
    name: name ?? email ?? "New user",
    ...(isFree ? { email, emailKey: emailKey(email) } : {}),
    clerkUserId: subject,
    isPlatformAdmin: false,
    createdAt: Date.now(),
  });
  return await userOf(ctx, userId);
}

/**
 * The user with another e-mail, which is verified. Somebody else who has it keeps it, unless that is
 * the same person: then the account of before is theirs from now on.
 */
export async function withEmail(
  ctx: MutationCtx,
  user: Doc<"users">,
  email: string,
): Promise<Doc<"users">> {
  const holder = await userByEmail(ctx, email);
  if (holder && holder._id !== user._id) {
    if (!(await canJoin(ctx, user, holder))) return user;
    const { clerkUserId } = user;
    await ctx.db.patch("users", user._id, { clerkUserId: undefined, deletedAt: Date.now() });
    await ctx.db.patch("users", holder._id, { clerkUserId });
    await moveAccounts(ctx, user._id, holder._id);
    return { ...holder, clerkUserId };
  }
  return await setProvedEmail(ctx, user, email);
}

/**
 * Whether a user who came without a verified e-mail is its holder: one who has no Clerk account yet.
 * Who has become a member of something meanwhile stays who they are.
 */
export async function canJoin(
  ctx: QueryCtx,
  user: Doc<"users">,
  holder: Doc<"users">,
): Promise<boolean> {
  if (user.email !== undefined || holder.clerkUserId !== undefined) return false;
  const membership = await ctx.db
    .query("memberships")
    .withIndex("by_user", (q) => q.eq("userId", user._id))
    .first();
  return membership === null;
}

async function userOf(ctx: MutationCtx, id: Id<"users">): Promise<Doc<"users">> {
  const user = await ctx.db.get("users", id);
  if (!user) throw new Error(`User ${id} is missing.`);
  return user;
}
