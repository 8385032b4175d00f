import { type Infer, v } from "convex/values";
import type { Doc } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { completeSignIn } from "../accounts/signIn";
import { recordForPerson } from "../accounts/trail";
import { type RequestOrigin, requestOrigin } from "../kit/requestOrigin";
import { unauthorized } from "../kit/unauthorized";
import { userOf } from "./accounts";
import { identity, link, type OAuthIdentity } from "./identities";
import { grant, hasRoomFor, keepConnection } from "./connections";
import { tellConnected } from "./notices";
import { releaseMailOf } from "./sender";
import { type OAuthState, stateOf } from "./states";

/** As a browser's cookie has it. */
const sessionCookie = v.object({ token: v.string(), expiresAt: v.number() });
export const finished = v.union(
  v.object({ kind: v.literal("signed_in"), session: sessionCookie }),
  v.object({ kind: v.literal("second_factor"), mfaToken: v.string() }),
  v.object({ kind: v.literal("connected") }),
  /** Refused, and kept in the trail. */
  v.object({ kind: v.literal("refused"), code: v.string(), reason: v.string() }),
);
export type Finished = Infer<typeof finished>;

/**
 * What a verified answer of a provider brings about, in one transaction: a session, or the way to the
 * second factor; or an account that is connected.
 * @throws as `userOf`; UNAUTHORIZED where who connects was signed out meanwhile
 */
export const finish = internalMutation({
  args: {
    stateId: v.id("oauthStates"),
    account: identity,
    granted: grant,
    ...requestOrigin.fields,
  },
  returns: finished,
  handler: async (ctx, { stateId, account, granted, ...origin }): Promise<Finished> => {
    const state = await stateOf(ctx, stateId);
    if (state.purpose === "sign_in") return await signIn(ctx, account, origin);
    return await connect(ctx, await connectingUser(ctx, state), { account, granted }, origin);
  },
});

async function connect(
  ctx: MutationCtx,
  user: Doc<"users">,
  { account, granted }: { account: OAuthIdentity; granted: Infer<typeof grant> },
  origin: RequestOrigin,
): Promise<Finished> {
  const changes = [{ field: "provider", after: account.provider }];
  if (!(await hasRoomFor(ctx, user._id, account))) {
    const reason = "As many accounts are connected as one person may: disconnect one first.";
    return { kind: "refused", code: "CONFLICT", reason };
  }
  const linked = await link(ctx, user._id, account);
  if (linked === "foreign") {
    await recordForPerson(ctx, user, { action: "user.account_link_refused", changes }, origin);
    const reason = "This account belongs to another user here.";
    return { kind: "refused", code: "CONFLICT", reason };
  }
  if (linked === "linked") {
    await recordForPerson(ctx, user, { action: "user.account_linked", changes }, origin);
  }
  await releaseMailOf(ctx, await keepConnection(ctx, user._id, account, granted));
  await recordForPerson(ctx, user, { action: "user.account_connected", changes }, origin);
  await tellConnected(ctx, user, account);
  return { kind: "connected" };
}

async function signIn(
  ctx: MutationCtx,
  account: OAuthIdentity,
  origin: RequestOrigin,
): Promise<Finished> {
  const { user, isNew: isFirst } = await userOf(ctx, account);
  const how = { method: account.provider, request: origin, isFirst };
  const result = await completeSignIn(ctx, user, how);
  if (!result.isSignedIn) return { kind: "second_factor", mfaToken: result.body.mfaToken };
  const { token, session } = result;
  return { kind: "signed_in", session: { token, expiresAt: session.expiresAt } };
}

/** Whoever began must not have been signed out, or thrown out, since. @throws UNAUTHORIZED */
async function connectingUser(
  ctx: MutationCtx,
  { userId, sessionId }: OAuthState,
): Promise<Doc<"users">> {
  const session = sessionId && (await ctx.db.get("sessions", sessionId));
  const isOver = sessionId !== undefined && (!session || session.revokedAt !== undefined);
  const user = userId && (await ctx.db.get("users", userId));
  if (isOver || !user || user.deletedAt !== undefined) throw unauthorized("session");
  return user;
}
