import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { type Refusal, refused } from "../kit/reply";
import type { RequestOrigin } from "../kit/requestOrigin";
import { tellOfFactors } from "./factorChanges";
import { factorTriesOf, forgetWrongCodes, noteWrongCode, requireCodesOpen } from "./factorTries";
import { languageOfPerson, queueAccountMail } from "./mail";
import { useRecoveryCode } from "./recoveryCodes";
import { keepSecondFactors } from "./secondFactors";
import { confirmedTotp, useTotpCode } from "./totpSetup";
import { recordForPerson } from "./trail";
import { addressOf } from "./verified";

type User = Doc<"users">;
export type GivenCode = { code: string } | { recoveryCode: string };

/**
 * Whether a person has given a good code of theirs, which is used up by it. Wrong ones are counted for
 * the account; one that was right and used already gives nothing away, and is not.
 * @returns the refusal, whose transaction must commit, or null @throws ACCOUNT_LOCKED
 */
export async function refusalOfCode(
  ctx: MutationCtx,
  user: User,
  given: GivenCode,
  request: RequestOrigin,
): Promise<Refusal | null> {
  const tries = await factorTriesOf(ctx, user._id);
  requireCodesOpen(tries);
  const found = await tried(ctx, user, given, request);
  if (found === "right") {
    await forgetWrongCodes(ctx, tries);
    return null;
  }
  await recordForPerson(ctx, user, { action: "user.second_factor_failed" }, request);
  if (found === "wrong" && (await noteWrongCode(ctx, user._id, tries))) {
    await tellOfLock(ctx, user, request);
  }
  return refused(wrongProof("The code is wrong, or was used already."));
}

async function tellOfLock(ctx: MutationCtx, user: User, request: RequestOrigin): Promise<void> {
  await recordForPerson(ctx, user, { action: "user.second_factor_locked" }, request);
  const to = addressOf(user);
  if (to === null) return;
  const { userAgent, ip } = request;
  await queueAccountMail(ctx, {
    ...{ userId: user._id, to, language: languageOfPerson(user), template: "codes_locked" },
    data: { ...(userAgent === null ? {} : { userAgent }), ...(ip === null ? {} : { ip }) },
  });
}

export function wrongProof(message: string): ApiError {
  return new ApiError("INVALID_CREDENTIALS", message);
}

async function tried(
  ctx: MutationCtx,
  user: User,
  given: GivenCode,
  request: RequestOrigin,
): Promise<"right" | "wrong" | "repeated"> {
  const totp = await confirmedTotp(ctx, user._id);
  if (!totp) return "wrong";
  if ("code" in given) return await useTotpCode(ctx, totp, given.code);
  const left = await useRecoveryCode(ctx, user._id, given.recoveryCode);
  if (left === null) return "wrong";
  if (left === 0) await keepSecondFactors(ctx, user._id);
  const changes = [{ field: "recoveryCodesLeft", before: left + 1, after: left }];
  await tellOfFactors(ctx, user, { change: "recovery_code_used", changes }, request);
  return "right";
}
