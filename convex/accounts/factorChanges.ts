import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import type { Change } from "../ontology/changes";
import { factorTriesOf, forgetWrongCodes } from "./factorTries";
import { languageOfPerson, queueAccountMail, type SecondFactorChange } from "./mail";
import { forgetChallenges } from "./passkeyChallenges";
import { forgetPasskeys, movePasskeys } from "./passkeys";
import { forgetRecoveryCodes, moveRecoveryCodes } from "./recoveryCodes";
import { keepSecondFactors } from "./secondFactors";
import { confirmedTotp, forgetTotp, moveTotp } from "./totpSetup";
import { recordForPerson } from "./trail";
import { addressOf } from "./verified";

/** The person is written to of every change of how they sign in, and it stands in the trail. */
export async function tellOfFactors(
  ctx: MutationCtx,
  user: Doc<"users">,
  { change, changes = [] }: { change: SecondFactorChange; changes?: Change[] },
  request: RequestOrigin,
): Promise<void> {
  await recordForPerson(ctx, user, { action: `user.${change}`, changes }, request);
  const to = addressOf(user);
  if (to === null) return;
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user) },
    ...{ template: "second_factor_changed", data: { change } },
  });
}

/** Sign-ins ask for nothing more from now on. */
export async function disableTotp(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  await forgetTotp(ctx, userId);
  await forgetRecoveryCodes(ctx, userId);
  await keepSecondFactors(ctx, userId);
}

/**
 * Of one person who had two users: passkeys go along, and the authenticator does where the account that
 * stays has none, so that nothing is easier to get into than it was.
 */
export async function moveSecondFactors(
  ctx: MutationCtx,
  from: Id<"users">,
  to: Id<"users">,
): Promise<void> {
  await movePasskeys(ctx, from, to);
  const totp = await confirmedTotp(ctx, from);
  if (totp && !(await confirmedTotp(ctx, to))) {
    await moveTotp(ctx, totp, to);
    await moveRecoveryCodes(ctx, from, to);
  }
  await keepSecondFactors(ctx, to);
}

/** Somebody else has proved the account's address: none of what was set up to get into it is left. */
export async function wipeSecondFactors(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  await forgetWrongCodes(ctx, await factorTriesOf(ctx, userId));
  await forgetPasskeys(ctx, userId);
  await forgetChallenges(ctx, userId);
  await disableTotp(ctx, userId);
}
