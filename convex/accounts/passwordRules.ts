import { internal } from "../_generated/api";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError, invalidFields } from "../kit/errors";
import { type Refusal, refused } from "../kit/reply";
import type { RequestOrigin } from "../kit/requestOrigin";
import { accountByEmailInEqualTime } from "./addresses";
import { requireCaptcha } from "./captchaRule";
import type { Comparison, NewHash } from "./passwordFindings";
import { completeSignIn, type SignInHow, type SignInResult } from "./signIn";
import { forgetTries, noteFailure, requireUnlocked, triesOf } from "./tries";
import { addressOf } from "./verified";

type User = Doc<"users">;

/**
 * PA2. Unknown, wrong and locked read the same documents and cost one hash run each; what only a known
 * account has (its trail, its letter) is written afterwards, by a mutation that is scheduled for all.
 * @throws ACCOUNT_LOCKED; CAPTCHA_REQUIRED
 */
export async function signInByPassword(
  ctx: MutationCtx,
  { email, deviceName }: { email: string; deviceName?: string | undefined },
  found: Comparison,
  request: RequestOrigin,
): Promise<SignInResult | Refusal> {
  requireCaptcha(found.captcha);
  const tries = await triesOf(ctx, email);
  const user = await accountByEmailInEqualTime(ctx, email);
  requireUnlocked(tries, Date.now());
  if (!user || !isRightFor(user, found)) {
    await countFailure(ctx, { email, user, tries, request });
    return refused(new ApiError("INVALID_CREDENTIALS", "Invalid email or password"));
  }
  await forgetTries(ctx, tries);
  await keepRehashed(ctx, user, found);
  const how: SignInHow = { method: "password", request, deviceName };
  return await completeSignIn(ctx, user, how);
}

/**
 * Whether the person who is calling has given their own password; counted like any other try.
 * @returns the refusal of a wrong one, or null @throws ACCOUNT_LOCKED
 */
export async function refusalOfOwnPassword(
  ctx: MutationCtx,
  user: User,
  found: Comparison,
  request: RequestOrigin,
): Promise<Refusal | null> {
  const email = addressOf(user) ?? user._id;
  const tries = await triesOf(ctx, email);
  requireUnlocked(tries, Date.now());
  if (isRightFor(user, found)) {
    await forgetTries(ctx, tries);
    await keepRehashed(ctx, user, found);
    return null;
  }
  await countFailure(ctx, { email, user, tries, request });
  return refused(new ApiError("INVALID_CREDENTIALS", "The password is wrong."));
}

/** The hash of a new password. @throws VALIDATION_ERROR for one that is guessed too easily */
export function usablePassword(
  field: string,
  { weakness, hash }: Omit<NewHash, "captcha">,
): string {
  if (weakness !== null) throw invalidFields([{ field, message: weakness }]);
  if (hash === null) throw new Error("A password that fits its schema was not hashed.");
  return hash;
}

/** What was found before the transaction still holds in it. */
function isRightFor(user: User, { account, isRight }: Comparison): boolean {
  return (
    isRight &&
    account !== null &&
    account.userId === user._id &&
    account.version === (user.passwordVersion ?? 0) &&
    user.passwordHash !== undefined
  );
}

async function keepRehashed(ctx: MutationCtx, user: User, { rehashed }: Comparison): Promise<void> {
  if (rehashed !== null) await ctx.db.patch("users", user._id, { passwordHash: rehashed });
}

async function countFailure(
  ctx: MutationCtx,
  failed: {
    email: string;
    user: User | null;
    tries: Doc<"passwordTries"> | null;
    request: RequestOrigin;
  },
): Promise<void> {
  const { email, user, tries, request } = failed;
  const isLocked = await noteFailure(ctx, email, tries);
  await ctx.scheduler.runAfter(0, internal.accounts.linkLetters.afterFailure, {
    ...{ userId: user?._id ?? null, isLocked, request },
  });
}
