import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { passkeysOf, usablePasskeys } from "./passkeys";
import { confirmedTotp } from "./totpSetup";
import { recoveryCodesLeft } from "./recoveryCodes";
import { weakenSessions } from "./sessions";

/** By what a person can prove a second time who they are. */
export type SecondFactor = "totp" | "recovery_code" | "passkey";

/**
 * What a sign-in by password, provider or letter asks for beside; nothing of who has set nothing up. An
 * authenticator turns it on: a passkey alone is a way to sign in, and nothing else becomes harder. Of a
 * passkey that is good at another host nothing is said.
 */
export async function secondFactorsNow(
  ctx: QueryCtx,
  { _id, secondFactors = [] }: Doc<"users">,
): Promise<SecondFactor[]> {
  if (!secondFactors.includes("passkey") || (await usablePasskeys(ctx, _id)).length > 0) {
    return secondFactors;
  }
  return secondFactors.filter((factor) => factor !== "passkey");
}

/**
 * After any change of what a person has: `users.secondFactors` says it, and is written here alone. Who has
 * nothing left by which they could be strongly signed in is so no more, wherever they are.
 */
export async function keepSecondFactors(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  const secondFactors = await factorsThatAre(ctx, userId);
  await ctx.db.patch("users", userId, { secondFactors });
  if (secondFactors === undefined && (await passkeysOf(ctx, userId)).length === 0) {
    await weakenSessions(ctx, userId);
  }
}

async function factorsThatAre(
  ctx: QueryCtx,
  userId: Id<"users">,
): Promise<SecondFactor[] | undefined> {
  if (!(await confirmedTotp(ctx, userId))) return undefined;
  const hasCodes = (await recoveryCodesLeft(ctx, userId)) > 0;
  const hasPasskeys = (await passkeysOf(ctx, userId)).length > 0;
  return [
    "totp",
    ...(hasCodes ? (["recovery_code"] as const) : []),
    ...(hasPasskeys ? (["passkey"] as const) : []),
  ];
}
