import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { oauthProviderName } from "../schemas/oauthSchemas";

/** Accounts at providers, and which user each signs in. */
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

/** The account signs this user in from now on. */
export async function name(
  ctx: MutationCtx,
  userId: Id<"users">,
  { provider, issuer, subject }: OAuthIdentity,
): Promise<void> {
  const createdAt = Date.now();
  await ctx.db.insert("oauthAccounts", { userId, provider, issuer, subject, createdAt });
}
