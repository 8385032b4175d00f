import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import { emailKey } from "../kit/email";
import { setProvedEmail } from "./addresses";
import { wipeCredentials } from "./credentials";
import { forgetDevices, noteDevice } from "./devices";
import { languageOfPerson, queueAccountMail } from "./mail";
import { type OneTimeToken, revokeOneTimeTokens } from "./oneTimeTokens";
import { endSessionsOf, type Session } from "./sessions";
import { recordForPerson } from "./trail";
import { forgetTries, triesOf } from "./tries";
import { addressOf, isUnverified } from "./verified";

type User = Doc<"users">;

/**
 * A new password: every session but the given one ends, letters that would let somebody in are void,
 * known devices are forgotten, and the person is told.
 */
export async function setPassword(
  ctx: MutationCtx,
  user: User,
  passwordHash: string,
  { but, action }: { but?: Session | null; action: string },
  request: RequestOrigin,
): Promise<void> {
  const passwordVersion = (user.passwordVersion ?? 0) + 1;
  await ctx.db.patch("users", user._id, { passwordHash, passwordVersion });
  await endSessionsOf(ctx, user._id, { but: but?._id });
  await revokeOneTimeTokens(ctx, user._id);
  await forgetDevices(ctx, user._id);
  if (but) {
    const { userAgent } = request;
    await noteDevice(ctx, user._id, { userAgent, deviceName: but.deviceName });
  }
  const to = addressOf(user);
  if (to !== null) {
    await forgetTries(ctx, await triesOf(ctx, to));
    await queueAccountMail(ctx, {
      ...{ userId: user._id, to, language: languageOfPerson(user) },
      ...{ template: "password_changed", data: {} },
    });
  }
  await recordForPerson(ctx, user, { action }, request);
}

/**
 * The account, to whom a letter to its address was shown. One that was registered with the address and
 * never proved it is its reader's from now on, who need not be who registered: nothing that was set up
 * to get into it is left.
 */
export async function provedByLetter(
  ctx: MutationCtx,
  user: User,
  { email }: Pick<OneTimeToken, "email">,
): Promise<User> {
  if (email === undefined || !isUnverified(user)) return user;
  if (user.pendingEmailKey !== emailKey(email)) return user;
  await wipeCredentials(ctx, user._id);
  return await setProvedEmail(ctx, user, email);
}
