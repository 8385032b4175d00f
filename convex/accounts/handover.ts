import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import { issueOneTimeToken, requireLivingGiver, takeOneTimeToken, usedUp } from "./oneTimeTokens";
import { provedByLetter } from "./passwordChanges";
import { authenticatedAtOf, type Session } from "./sessions";
import { completeSignIn, type SignInHow, type SignInResult } from "./signIn";

/** OT1 and OT2: from an app that is signed in to a browser, or from a letter to one. */

/** Without a session of ours nothing is known of when they proved who they are. */
const LONG_AGO = 0;

/** A link that signs a browser in as this person, once, within 90 seconds. */
export async function handOver(
  ctx: MutationCtx,
  person: Doc<"users">,
  session: Session | null,
): Promise<string> {
  const { token } = await issueOneTimeToken(ctx, {
    ...{ purpose: "session_exchange", userId: person._id },
    ...(session === null ? {} : { sessionId: session._id }),
  });
  const app = (process.env.APP_URL || process.env.CONVEX_SITE_URL || "").replace(/\/+$/, "");
  return `${app}/login/session/${token}`;
}

/**
 * Uses the token up. Of a letter, it proves the address, and a second factor is still asked for; of a
 * session, what that one had proved counts on, and when it did.
 * @throws GONE
 */
export async function takeOver(
  ctx: MutationCtx,
  token: string,
  request: RequestOrigin,
): Promise<{ user: Doc<"users">; result: SignInResult }> {
  const row = await takeOneTimeToken(ctx, ["session_exchange", "magic_link"], token);
  const known = await ctx.db.get("users", row.userId);
  if (!known || known.deletedAt !== undefined) throw usedUp();
  if (row.purpose === "magic_link") {
    const user = await provedByLetter(ctx, known, row);
    return { user, result: await completeSignIn(ctx, user, { method: "magic_link", request }) };
  }
  const session = await requireLivingGiver(ctx, row);
  const how: SignInHow = {
    ...{ method: "one_time_token" as const, request, isStrong: session?.isStrong ?? false },
    handedOnBy: { authenticatedAt: session ? authenticatedAtOf(session) : LONG_AGO },
  };
  return { user: known, result: await completeSignIn(ctx, known, how) };
}
