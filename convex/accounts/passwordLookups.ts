import { v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, internalQuery } from "../_generated/server";
import { credentialValidator } from "../kit/caller";
import { identifyPerson } from "../kit/person";
import { accountByEmailInEqualTime } from "./addresses";
import { goodOneTimeToken } from "./oneTimeTokens";
import { isSuspicious, triesOf } from "./tries";
import { addressOf } from "./verified";

/** What passwordActions.ts compares with. It stays inside: no caller gets to see it. */
const known = v.object({
  userId: v.string(),
  version: v.number(),
  hash: v.union(v.string(), v.null()),
  /** What a password of theirs must not be made of. */
  ownWords: v.array(v.string()),
});
export type KnownPassword = typeof known.type;

export const byEmail = internalQuery({
  args: { email: v.string() },
  returns: v.union(known, v.null()),
  handler: async (ctx, { email }) => {
    const user = await accountByEmailInEqualTime(ctx, email);
    return user && knownOf(user);
  },
});

/** Whether so many passwords of an e-mail were wrong lately that a person must show that they are one. */
export const isTriedOften = internalMutation({
  args: { email: v.string() },
  returns: v.boolean(),
  handler: async (ctx, { email }) => isSuspicious(await triesOf(ctx, email), Date.now()),
});

/** @throws as `identifyPerson` */
export const byCredential = internalQuery({
  args: { credential: credentialValidator },
  returns: known,
  handler: async (ctx, { credential }) => {
    const { person } = await identifyPerson(ctx, credential);
    return knownOf(person);
  },
});

/** Whose password a letter's token lets set; null for a token that does not. */
export const byResetToken = internalMutation({
  args: { token: v.string() },
  returns: v.union(known, v.null()),
  handler: async (ctx, { token }) => {
    const row = await goodOneTimeToken(ctx, ["reset_password"], token);
    const user = row && (await ctx.db.get("users", row.userId));
    return user && knownOf(user);
  },
});

function knownOf(user: Doc<"users">): KnownPassword {
  return {
    userId: user._id,
    version: user.passwordVersion ?? 0,
    hash: user.passwordHash ?? null,
    ownWords: [user.name, addressOf(user) ?? "", user.username ?? ""].filter((word) => word !== ""),
  };
}
