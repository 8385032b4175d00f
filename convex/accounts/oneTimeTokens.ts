import type { Infer } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { newToken, readToken, sha256Hex } from "../kit/tokens";
import type { oneTimePurpose } from "../schemas/accountSchemas";

/** Tokens that are shown once: in a letter's link, or handed to the browser that goes on with them. */
export type OneTimePurpose = Infer<typeof oneTimePurpose>;
export type OneTimeToken = Doc<"oneTimeTokens">;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const ONE_TIME_LIFETIMES = {
  verify_email: 24 * HOUR,
  change_email: 24 * HOUR,
  reset_password: HOUR,
  unlock: HOUR,
  magic_link: 15 * MINUTE,
  session_exchange: 90 * SECOND,
  second_factor: 5 * MINUTE,
  merge_accounts: 5 * MINUTE,
} as const satisfies Record<OneTimePurpose, number>;

/** Of these several may be under way at once; of the others the last letter's is the one that counts. */
const SEVERAL_AT_ONCE: ReadonlySet<OneTimePurpose> = new Set(["session_exchange", "second_factor"]);
/** Of one purpose at a time: the first of more are used up. */
const MAX_OPEN = 20;

export async function issueOneTimeToken(
  ctx: MutationCtx,
  {
    purpose,
    userId,
    ...more
  }: Pick<OneTimeToken, "purpose" | "userId"> &
    Partial<Pick<OneTimeToken, "email" | "sessionId" | "signIn" | "deviceName" | "triesLeft">>,
): Promise<{ token: string; expiresAt: number }> {
  const open = await openTokens(ctx, userId, purpose);
  const superseded = SEVERAL_AT_ONCE.has(purpose) ? open.slice(0, -(MAX_OPEN - 1)) : open;
  for (const { _id } of superseded) await ctx.db.delete("oneTimeTokens", _id);
  const token = newToken("one_time");
  const createdAt = Date.now();
  const expiresAt = createdAt + ONE_TIME_LIFETIMES[purpose];
  const tokenHash = sha256Hex(token);
  await ctx.db.insert("oneTimeTokens", {
    ...{ purpose, userId, tokenHash, createdAt, expiresAt },
    ...more,
  });
  return { token, expiresAt };
}

/** A token of one of these purposes that is still good; null for any other, whatever is wrong with it. */
export async function goodOneTimeToken(
  ctx: QueryCtx,
  purposes: readonly OneTimePurpose[],
  token: string,
): Promise<OneTimeToken | null> {
  const credential = readToken(token);
  if (credential?.kind !== "one_time") return null;
  const row = await ctx.db
    .query("oneTimeTokens")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", credential.tokenHash))
    .unique();
  if (!row || !purposes.includes(row.purpose) || row.usedAt !== undefined) return null;
  return row.expiresAt > Date.now() ? row : null;
}

/** Uses a token up. @throws GONE for one that is unknown, used or expired: all the same */
export async function takeOneTimeToken(
  ctx: MutationCtx,
  purposes: readonly OneTimePurpose[],
  token: string,
): Promise<OneTimeToken> {
  const row = await goodOneTimeToken(ctx, purposes, token);
  if (!row) throw usedUp();
  await ctx.db.patch("oneTimeTokens", row._id, { usedAt: Date.now() });
  return row;
}

/** What was shown with it was wrong: after the last try it is used up. */
export async function noteWrongTry(
  ctx: MutationCtx,
  { _id, triesLeft = 1 }: OneTimeToken,
): Promise<void> {
  const left = triesLeft - 1;
  const used = left > 0 ? {} : { usedAt: Date.now() };
  await ctx.db.patch("oneTimeTokens", _id, { triesLeft: left, ...used });
}

/**
 * Of a token that a session gave out: who was signed out meanwhile, or thrown out, hands nothing on.
 * @returns the session, null for a token that none gave out @throws GONE
 */
export async function requireLivingGiver(
  ctx: QueryCtx,
  { sessionId }: OneTimeToken,
): Promise<Doc<"sessions"> | null> {
  if (sessionId === undefined) return null;
  const session = await ctx.db.get("sessions", sessionId);
  if (!session || session.revokedAt !== undefined) throw usedUp();
  return session;
}

export function usedUp(): ApiError {
  return new ApiError(
    "GONE",
    "The token is used, expired or was never given out: ask for another.",
  );
}

/** All of a person, of one purpose where it is given, are worth nothing from now on. */
export async function revokeOneTimeTokens(
  ctx: MutationCtx,
  userId: Id<"users">,
  purpose?: OneTimePurpose,
): Promise<void> {
  const rows = await ctx.db
    .query("oneTimeTokens")
    .withIndex("by_user", (q) => {
      const ofUser = q.eq("userId", userId);
      return purpose === undefined ? ofUser : ofUser.eq("purpose", purpose);
    })
    .collect();
  for (const { _id } of rows) await ctx.db.delete("oneTimeTokens", _id);
}

async function openTokens(
  ctx: MutationCtx,
  userId: Id<"users">,
  purpose: OneTimePurpose,
): Promise<OneTimeToken[]> {
  return await ctx.db
    .query("oneTimeTokens")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("purpose", purpose))
    .collect();
}
