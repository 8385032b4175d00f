import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { idOfAnyTenant } from "../kit/own";
import { type Refusal, refused } from "../kit/reply";
import type { RequestOrigin } from "../kit/requestOrigin";
import { wrongProof } from "./factorProofs";
import { takeChallenge } from "./passkeyChallenges";
import type { Assertion } from "./passkeyFindings";
import { isUsable, passkeyByCredential, userHandleOf } from "./passkeys";
import { recordForPerson } from "./trail";

type Asked = {
  purpose: "sign_in" | "second_factor";
  /** Who it must be; absent where the passkey says who it is. */
  owner?: Id<"users">;
  challengeId?: string;
};

/**
 * Who has proved with a passkey who they are; its challenge is used up by that. One that signs in by itself
 * must have checked that it is its owner who holds it. Of a counter that did not grow the passkey was
 * copied, perhaps (WebAuthn, 6.1.1): refused, and in the trail.
 * @returns the refusal, whose transaction must commit @throws GONE
 */
export async function provedByPasskey(
  ctx: MutationCtx,
  found: Assertion,
  { purpose, owner, challengeId }: Asked,
  request: RequestOrigin,
): Promise<{ user: Doc<"users"> } | Refusal> {
  if (!found.isGood) return await refusal(ctx, found.userId, found.reason, request);
  await takeChallenge(ctx, found.challenge, {
    purpose,
    ...(purpose === "second_factor" && owner !== undefined ? { userId: owner } : {}),
    ...(challengeId === undefined ? {} : { id: challengeId }),
  });
  const passkey = await passkeyByCredential(ctx, found.credentialId);
  const user = passkey && (await ctx.db.get("users", passkey.userId));
  if (!passkey || !user || user.deletedAt !== undefined || !isUsable(passkey)) {
    return await refusal(ctx, null, "unknown", request);
  }
  const problem = problemOf(found, passkey, { purpose, owner });
  if (problem !== null) return await refusal(ctx, user._id, problem, request);
  const { counter, backedUp } = found;
  await ctx.db.patch("passkeys", passkey._id, { counter, backedUp, lastUsedAt: Date.now() });
  return { user };
}

function problemOf(
  found: Assertion & { isGood: true },
  { userId, madeFor = userId, counter }: Doc<"passkeys">,
  { purpose, owner }: Pick<Asked, "purpose"> & { owner: Asked["owner"] | undefined },
): string | null {
  if (owner !== undefined && userId !== owner) return "of another account";
  if (found.userHandle !== null && found.userHandle !== userHandleOf(madeFor)) {
    return "of another account";
  }
  if (purpose === "sign_in" && !found.userVerified) return "its owner was not verified";
  const grows = found.counter > 0 || counter > 0;
  if (grows && found.counter <= counter)
    return `its counter went from ${counter} to ${found.counter}`;
  return null;
}

async function refusal(
  ctx: MutationCtx,
  whose: string | null,
  reason: string,
  request: RequestOrigin,
): Promise<Refusal> {
  const userId = whose === null ? null : idOfAnyTenant(ctx, "users", whose);
  const user = userId && (await ctx.db.get("users", userId));
  if (user) {
    const changes = [{ field: "reason", after: reason }];
    await recordForPerson(ctx, user, { action: "user.passkey_refused", changes }, request);
  }
  return refused(wrongProof("The passkey is unknown here, or its answer is not good."));
}
