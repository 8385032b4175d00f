import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Id } from "../_generated/dataModel";
import { countedTries, requireOpen } from "./tries";

/**
 * Wrong codes of an account, whichever sign-in they are tried for: who knows the password may begin as
 * many as they like. Ten within 15 minutes lock codes for 15 minutes, also right ones; passkeys, which
 * nobody guesses, still prove who somebody is.
 */
type FactorTries = Doc<"factorTries">;

export async function factorTriesOf(
  ctx: QueryCtx,
  userId: Id<"users">,
): Promise<FactorTries | null> {
  return await ctx.db
    .query("factorTries")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .unique();
}

/** @throws ACCOUNT_LOCKED */
export function requireCodesOpen(tries: FactorTries | null): void {
  requireOpen(tries, Date.now(), "Too many wrong codes: wait, or use a passkey.");
}

/** One more wrong code. Answers whether it is the one that locks. */
export async function noteWrongCode(
  ctx: MutationCtx,
  userId: Id<"users">,
  tries: FactorTries | null,
): Promise<boolean> {
  const row = countedTries(tries, Date.now());
  if (tries) await ctx.db.patch("factorTries", tries._id, row);
  else await ctx.db.insert("factorTries", { userId, ...row });
  return row.lockedUntil !== undefined;
}

export async function forgetWrongCodes(ctx: MutationCtx, tries: FactorTries | null): Promise<void> {
  if (tries) await ctx.db.delete("factorTries", tries._id);
}
