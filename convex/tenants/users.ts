import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { userByClerkId } from "../kit/clerk";
import { emailKey } from "../kit/text";

/** What a token of Clerk says of its user. The e-mail is one that Clerk has verified. */
export type ClerkUser = { subject: string; name?: string; email?: string };

/** The user of a verified token, made if this is their first call. */
export const admit = internalMutation({
  args: { subject: v.string(), name: v.optional(v.string()), email: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, claims) => {
    await findOrMakeUser(ctx, claims);
    return null;
  },
});

/**
 * The user who signs in with this Clerk account. A user without one who has the same e-mail is joined
 * with it: that is the same person, since both e-mails are verified.
 */
export async function findOrMakeUser(
  ctx: MutationCtx,
  { subject, name, email }: ClerkUser,
): Promise<Doc<"users">> {
  const known = await userByClerkId(ctx, subject);
  if (known) {
    if (known.email !== undefined || email === undefined) return known;
    return await withEmail(ctx, known, email);
  }
  const namesake = email === undefined ? null : await userByEmail(ctx, email);
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

/** The user with another e-mail, unless somebody else has it. */
export async function withEmail(
  ctx: MutationCtx,
  user: Doc<"users">,
  email: string,
): Promise<Doc<"users">> {
  const holder = await userByEmail(ctx, email);
  if (holder && holder._id !== user._id) return user;
  const changed = { email, emailKey: emailKey(email) };
  await ctx.db.patch("users", user._id, changed);
  return { ...user, ...changed };
}

async function userByEmail(ctx: MutationCtx, email: string): Promise<Doc<"users"> | null> {
  return await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .first();
}

async function userOf(ctx: MutationCtx, id: Id<"users">): Promise<Doc<"users">> {
  const user = await ctx.db.get("users", id);
  if (!user) throw new Error(`User ${id} is missing.`);
  return user;
}
