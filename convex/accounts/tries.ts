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

/** Of an e-mail's passwords here, of an account's codes in factorTries.ts. */
type Tries = Pick<Doc<"passwordTries">, "failures" | "since" | "lockedUntil">;

export async function triesOf(ctx: QueryCtx, email: string): Promise<Doc<"passwordTries"> | null> {
  return await ctx.db
    .query("passwordTries")
    .withIndex("by_emailKey", (q) => q.eq("emailKey", emailKey(email)))
    .unique();
}

/** @throws ACCOUNT_LOCKED */
export function requireUnlocked(tries: Doc<"passwordTries"> | null, now: number): void {
  const message =
    "Too many wrong passwords: wait a quarter of an hour. Who has the account was mailed a link that opens it.";
  requireOpen(tries, now, message);
}

/** @throws ACCOUNT_LOCKED with the message, while these tries lock */
export function requireOpen(tries: Tries | null, now: number, message: string): void {
  const until = tries?.lockedUntil ?? 0;
  if (until <= now) return;
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
  const row = countedTries(tries, Date.now());
  if (tries) await ctx.db.patch("passwordTries", tries._id, row);
  else await ctx.db.insert("passwordTries", { emailKey: emailKey(email), ...row });
  return row.lockedUntil !== undefined;
}

/** With one more that failed; the tenth locks. */
export function countedTries(
  tries: Tries | null,
  now: number,
): { failures: number; since: number; lockedUntil: number | undefined } {
  const counted = tries !== null && isCounted(tries, now) ? tries : { failures: 0, since: now };
  const failures = counted.failures + 1;
  const lockedUntil = failures >= MAX_FAILURES ? now + WINDOW_MS : undefined;
  return { failures, since: counted.since, lockedUntil };
}

/** The right password, a new one or the link that was mailed: nothing is counted any more. */
export async function forgetTries(
  ctx: MutationCtx,
  tries: Doc<"passwordTries"> | null,
): Promise<void> {
  if (tries) await ctx.db.delete("passwordTries", tries._id);
}

function isCounted({ since, lockedUntil }: Tries, now: number): boolean {
  return lockedUntil === undefined ? now - since < WINDOW_MS : lockedUntil > now;
}

/** A row that began longer ago than this counts for nothing. */
export const TRIES_COUNT_FOR_MS = 2 * WINDOW_MS;
