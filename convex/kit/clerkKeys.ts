import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, internalQuery, type QueryCtx } from "../_generated/server";
import { emailKey, keptEmail } from "./email";
import { consume } from "./limits";
import { canJoin } from "../tenants/users";
import { accountAtClerk } from "./clerk";

const FETCHES_PER_MINUTE = 6;

const keySet = v.array(v.object({ kid: v.string(), jwk: v.string() }));

/** The key of this id, as far as we have it, and whether the token's user is known as they are. */
export const look = internalQuery({
  args: {
    issuer: v.string(),
    kid: v.string(),
    subject: v.string(),
    /** The e-mail that the token claims to be verified, as it stands there. */
    email: v.union(v.string(), v.null()),
  },
  returns: v.object({
    jwk: v.union(v.string(), v.null()),
    fetchedAt: v.number(),
    isKnown: v.boolean(),
  }),
  handler: async (ctx, { issuer, kid, subject, email }) => {
    const known = await keysOf(ctx, issuer);
    return {
      jwk: known?.keys.find((key) => key.kid === kid)?.jwk ?? null,
      fetchedAt: known?.fetchedAt ?? 0,
      isKnown: await isKnown(ctx, subject, email === null ? null : keptEmail(email)),
    };
  },
});

/** @throws RATE_LIMITED */
export const allowFetch = internalMutation({
  args: { issuer: v.string() },
  returns: v.null(),
  handler: async (ctx, { issuer }) => {
    await consume(ctx, `jwks:${issuer}`, FETCHES_PER_MINUTE);
    return null;
  },
});

export const keep = internalMutation({
  args: { issuer: v.string(), keys: keySet },
  returns: v.null(),
  handler: async (ctx, { issuer, keys }) => {
    const known = await keysOf(ctx, issuer);
    const row = { issuer, keys, fetchedAt: Date.now() };
    if (known) await ctx.db.patch("clerkKeys", known._id, row);
    else await ctx.db.insert("clerkKeys", row);
    return null;
  },
});

async function keysOf(ctx: QueryCtx, issuer: string): Promise<Doc<"clerkKeys"> | null> {
  return await ctx.db
    .query("clerkKeys")
    .withIndex("by_issuer", (q) => q.eq("issuer", issuer))
    .unique();
}

/** Whether there is nothing to be learned of the user from a token that claims this e-mail. */
async function isKnown(ctx: QueryCtx, subject: string, email: string | null): Promise<boolean> {
  const user = await accountAtClerk(ctx, subject);
  if (!user) return false;
  if (user.deletedAt !== undefined || user.email !== undefined || email === null) return true;
  const holder = await ctx.db
    .query("users")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .first();
  return holder !== null && !(await canJoin(ctx, user, holder));
}
