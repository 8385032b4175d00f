import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { forgetProviders } from "../oauth/disconnecting";
import { forgetDevices } from "./devices";
import { wipeSecondFactors } from "./factorChanges";
import { revokeOneTimeTokens } from "./oneTimeTokens";
import { endSessionsOf } from "./sessions";

/** Everything by which somebody gets into the account is gone: they sign in anew, or not at all. */
export async function wipeCredentials(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  const user = await ctx.db.get("users", userId);
  if (!user) throw new Error(`User ${userId} is missing.`);
  await ctx.db.patch("users", userId, {
    passwordHash: undefined,
    passwordVersion: (user.passwordVersion ?? 0) + 1,
  });
  await wipeSecondFactors(ctx, userId);
  await endSessionsOf(ctx, userId);
  await revokeOneTimeTokens(ctx, userId);
  await forgetDevices(ctx, userId);
  await forgetProviders(ctx, userId);
}
