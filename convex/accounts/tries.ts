import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { emailKey } from "../kit/email";
import { ApiError } from "../kit/errors";

/**
 * Wrong passwords, counted by the e-mail that they were tried with, whether anybody has it or not:
 * ten within 15 minutes lock it for 15 minutes, also for the right password. Passkeys and providers
 * still sign in. No factor changes these numbers.
 */
const MAX_FAILURES = 10;
const WINDOW_MS = 15 * 60 * 1000;
/** From so many on a CAPTCHA is asked for, where one is configured. */
const SUSPICIOUS = 3;

export async function triesOf(ctx: QueryCtx, email: string): Promise<Doc<"passwordTries"> | null> {
  return await ctx.db
    .query("passwordTries")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .unique();
}

/** @throws ACCOUNT_LOCKED */
export function requireUnlocked(tries: Doc<"passwordTries"> | null, now: number): void {
  const until = tries?.lockedUntil ?? 0;
  if (until <= now) return;
  const message =
    "Too many wrong passwords: wait, or open the account by the link that was mailed.";
  throw new ApiError("ACCOUNT_LOCKED", message, { retryAfter: Math.ceil((until - now) / 1000) });
}

export function isSuspicious(tries: Doc<"passwordTries"> | null, now: number): boolean {
  return tries !== null && isCounted(tries, now) && tries.failures >= SUSPICIOUS;
}

/** One more wrong password. Answers whether it is the one that locks. */
export async function noteFailure(
  ctx: MutationCtx,
  email: string,
  tries: Doc<"passwordTries"> | null,
): Promise<boolean> {
  const now = Date.now();
  const counted = tries !== null && isCounted(tries, now) ? tries : { failures: 0, since: now };
  const failures = counted.failures + 1;
  const isLocked = failures >= MAX_FAILURES;
  const row = {
    failures,
    since: counted.since,
    lockedUntil: isLocked ? now + WINDOW_MS : undefined,
  };
  if (tries) await ctx.db.patch("passwordTries", tries._id, row);
  else await ctx.db.insert("passwordTries", { emailKey: emailKey(email), ...row });
  return isLocked;
}

/** The right password, a new one or the link that was mailed: nothing is counted any more. */
export async function forgetTries(
  ctx: MutationCtx,
  tries: Doc<"passwordTries"> | null,
): Promise<void> {
  if (tries) await ctx.db.delete("passwordTries", tries._id);
}

function isCounted({ since, lockedUntil }: Doc<"passwordTries">, now: number): boolean {
  return lockedUntil === undefined ? now - since < WINDOW_MS : lockedUntil > now;
}

/** A row that began longer ago than this counts for nothing. */
export const TRIES_COUNT_FOR_MS = 2 * WINDOW_MS;
