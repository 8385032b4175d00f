import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError } from "../kit/errors";
import { activeMemberships } from "./memberships";
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
 * Who has a second factor changes none by the password alone: whoever has found that out would add one of
 * their own, and be let in where one is required. A passkey alone asks nobody for more (`secondFactorsNow`),
 * unless an organization of theirs requires a second factor: who has lost it is helped by its owners.
 * @param session null for who signs in elsewhere, whose second factor is asked for there
 * @throws REAUTHENTICATION_REQUIRED
 */
export async function requireProvenFactor(
  ctx: QueryCtx,
  { _id: userId }: Doc<"users">,
  session: Doc<"sessions"> | null,
): Promise<void> {
  if (session === null || session.isStrong === true) return;
  const hasCodes = (await confirmedTotp(ctx, userId)) !== null;
  if (!hasCodes && (await usablePasskeys(ctx, userId)).length === 0) return;
  if (!hasCodes && !(await isRequiredOf(ctx, userId))) return;
  const message =
    "Prove the second factor that you have: POST /auth/reauthenticate with a code or a passkey, then repeat this.";
  throw new ApiError("REAUTHENTICATION_REQUIRED", message);
}

async function isRequiredOf(ctx: QueryCtx, userId: Doc<"users">["_id"]): Promise<boolean> {
  const memberships = await activeMemberships(ctx, userId);
  return memberships.some(({ needsSecondFactor }) => needsSecondFactor === true);
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
