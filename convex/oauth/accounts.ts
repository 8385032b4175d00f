import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { holderOfProvedEmail, setProvedEmail, userByEmail } from "../accounts/addresses";
import { emailKey, keptEmail } from "../kit/email";
import { ApiError } from "../kit/errors";
import { oauthProviderName } from "../schemas/oauthSchemas";

/**
 * Whose an account at a provider is. It names a user by its subject; by its address it is joined with
 * somebody only if the provider vouches for that.
 */
const MAX_NAME = 200;

/** An account at a provider, from an ID token that was verified. */
export const identity = v.object({
  provider: oauthProviderName,
  issuer: v.string(),
  subject: v.string(),
  name: v.optional(v.string()),
  email: v.optional(v.string()),
  standing: v.union(v.literal("proved"), v.literal("refuted"), v.literal("unproved")),
});
export type OAuthIdentity = Infer<typeof identity>;

type User = Doc<"users">;

/** The row by which this account signs somebody in. */
export async function accountOf(
  ctx: QueryCtx,
  { issuer, subject }: Pick<OAuthIdentity, "issuer" | "subject">,
): Promise<Doc<"oauthAccounts"> | null> {
  return await ctx.db
    .query("oauthAccounts")
    .withIndex("by_subject", (q) => q.eq("issuer", issuer).eq("subject", subject))
    .unique();
}

/**
 * Who signs in by this account: the user that it names already, else the one whose address it proves,
 * else somebody new. Both of the latter are named by it from now on.
 * @throws EMAIL_NOT_VERIFIED where the provider has not verified the address, or does not say that it has
 *   and the address is somebody's: they sign in as before, and connect the account; FORBIDDEN for an
 *   account that was deleted, and for who is new where nobody may come uninvited
 */
export async function userOf(
  ctx: MutationCtx,
  account: OAuthIdentity,
): Promise<{ user: User; isNew: boolean }> {
  const known = await accountOf(ctx, account);
  if (known) return { user: await living(ctx, known.userId), isNew: false };
  const email = keptEmail(account.email ?? "");
  if (email !== null && account.standing === "proved") {
    const holder = await holderOfProvedEmail(ctx, email);
    const user = holder ? await living(ctx, holder._id) : await newUser(ctx, account, email);
    await name(ctx, user._id, account);
    return { user, isNew: holder === null };
  }
  if (account.standing === "refuted" || (email !== null && (await userByEmail(ctx, email)))) {
    const message =
      "The provider has not verified this address. Sign in as before, and connect it.";
    throw new ApiError("EMAIL_NOT_VERIFIED", message);
  }
  const user = await newUser(ctx, account, null);
  await name(ctx, user._id, account);
  return { user, isNew: true };
}

/** From now on the account signs this user in, who is signed in and wants that, unless it is somebody else's. */
export async function link(
  ctx: MutationCtx,
  userId: Id<"users">,
  account: OAuthIdentity,
): Promise<"linked" | "known" | "foreign"> {
  const known = await accountOf(ctx, account);
  if (known) return known.userId === userId ? "known" : "foreign";
  await name(ctx, userId, account);
  return "linked";
}

/**
 * An account signs this user in no more, unless nothing else does: who has a proved address gets in by a
 * letter to it.
 */
export async function unlink(
  ctx: MutationCtx,
  { _id, email, passwordHash, clerkUserId }: User,
  account: Pick<OAuthIdentity, "issuer" | "subject">,
): Promise<void> {
  const all = await accountsOf(ctx, _id);
  const isAccount = ({ issuer, subject }: Doc<"oauthAccounts">): boolean =>
    issuer === account.issuer && subject === account.subject;
  const others = [email, passwordHash, clerkUserId, all.find((each) => !isAccount(each))];
  const present = all.find(isAccount);
  if (present && others.some((way) => way !== undefined)) {
    await ctx.db.delete("oauthAccounts", present._id);
  }
}

/** No account at a provider signs this user in any more. */
export async function unlinkAll(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id } of await accountsOf(ctx, userId)) await ctx.db.delete("oauthAccounts", _id);
}

/** Of one person who had two users: what signed in the one signs in the other. */
export async function moveAccounts(
  ctx: MutationCtx,
  from: Id<"users">,
  to: Id<"users">,
): Promise<void> {
  for (const { _id } of await accountsOf(ctx, from)) {
    await ctx.db.patch("oauthAccounts", _id, { userId: to });
  }
}

async function accountsOf(ctx: QueryCtx, userId: Id<"users">): Promise<Doc<"oauthAccounts">[]> {
  return await ctx.db
    .query("oauthAccounts")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .collect();
}

async function name(
  ctx: MutationCtx,
  userId: Id<"users">,
  { provider, issuer, subject }: OAuthIdentity,
): Promise<void> {
  const createdAt = Date.now();
  await ctx.db.insert("oauthAccounts", { userId, provider, issuer, subject, createdAt });
}

async function living(ctx: QueryCtx, id: Id<"users">): Promise<User> {
  const user = await ctx.db.get("users", id);
  if (user && user.deletedAt === undefined) return user;
  throw new ApiError("FORBIDDEN", "This account was deleted.");
}

async function newUser(
  ctx: MutationCtx,
  account: OAuthIdentity,
  proved: string | null,
): Promise<User> {
  await requireWelcome(ctx, proved);
  const given = account.name?.trim().slice(0, MAX_NAME).toWellFormed() ?? "";
  const id = await ctx.db.insert("users", {
    name: given === "" ? (proved ?? "New user") : given,
    isPlatformAdmin: false,
    createdAt: Date.now(),
  });
  const user = await living(ctx, id);
  return proved === null ? user : await setProvedEmail(ctx, user, proved);
}

/** @throws FORBIDDEN for who is new and not invited, where `REGISTRATION` is `invite` */
async function requireWelcome(ctx: QueryCtx, proved: string | null): Promise<void> {
  if (process.env.REGISTRATION !== "invite") return;
  const key = proved === null ? null : emailKey(proved);
  const invited =
    key !== null &&
    (await ctx.db
      .query("memberships")
      .withIndex("by_invitee", (q) =>
        q.eq("invite.emailKey", key).gt("invite.expiresAt", Date.now()),
      )
      .first());
  if (invited) return;
  throw new ApiError("FORBIDDEN", "New accounts are made by invite alone.");
}
