import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { emailKey } from "../kit/email";
import { wipeCredentials } from "./credentials";

/**
 * Whose an e-mail address is. Whoever proves it owns it: `email` of a user is proved, and
 * `pendingEmail` is what somebody wrote when they registered. That one reserves nothing: who proves
 * the address later has the account, and nothing that was set up to get into it reaches them.
 */
type User = Doc<"users">;

/** Who has proved that the address is theirs. */
export async function userByEmail(ctx: QueryCtx, email: string): Promise<User | null> {
  return await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .first();
}

/** Who has registered with the address, and has not proved it. */
export async function pendingUserByEmail(ctx: QueryCtx, email: string): Promise<User | null> {
  return await ctx.db
    .query("users")
    .withIndex("by_pendingEmailKey", (q) => q.eq("pendingEmailKey", emailKey(email)))
    .first();
}

/** The account that an address signs in to: of who has proved it, else of who registered with it. */
export async function accountByEmail(ctx: QueryCtx, email: string): Promise<User | null> {
  const user = (await userByEmail(ctx, email)) ?? (await pendingUserByEmail(ctx, email));
  return user === null || user.deletedAt !== undefined ? null : user;
}

/**
 * As `accountByEmail`; where there is none, it reads as much as if there were one, so that neither
 * time nor bill tells whether an address has an account.
 */
export async function accountByEmailInEqualTime(
  ctx: QueryCtx,
  email: string,
): Promise<User | null> {
  const user = (await userByEmail(ctx, email)) ?? (await pendingUserByEmail(ctx, email));
  if (user === null) await ctx.db.query("users").first();
  return user === null || user.deletedAt !== undefined ? null : user;
}

/**
 * The user of an address that has just been proved by something else than their account: a provider,
 * or a letter to it. An account that was registered with it and never proved it becomes theirs,
 * without its password, sessions, keys and second factors.
 */
export async function holderOfProvedEmail(ctx: MutationCtx, email: string): Promise<User | null> {
  const holder = await userByEmail(ctx, email);
  if (holder) return holder;
  const pending = await pendingUserByEmail(ctx, email);
  if (!pending || pending.deletedAt !== undefined) return null;
  await wipeCredentials(ctx, pending._id);
  return await setProvedEmail(ctx, pending, email);
}

/**
 * The address is the user's from now on. What others wrote when they registered with it stays a
 * name alone. @throws EMAIL_EXISTS where another has proved it
 */
export async function setProvedEmail(ctx: MutationCtx, user: User, email: string): Promise<User> {
  const holder = await userByEmail(ctx, email);
  if (holder && holder._id !== user._id) {
    throw new ApiError("EMAIL_EXISTS", "Another account has this e-mail.");
  }
  const pending = await pendingUserByEmail(ctx, email);
  if (pending && pending._id !== user._id) {
    await wipeCredentials(ctx, pending._id);
    await ctx.db.patch("users", pending._id, {
      pendingEmail: undefined,
      pendingEmailKey: undefined,
    });
  }
  const key = emailKey(email);
  await ctx.db.patch("users", user._id, {
    ...{ email, emailKey: key },
    ...{ pendingEmail: undefined, pendingEmailKey: undefined },
  });
  const changed = await ctx.db.get("users", user._id);
  if (!changed) throw new Error(`User ${user._id} is missing.`);
  return changed;
}
