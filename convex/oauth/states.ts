import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import { internalMutation, type MutationCtx } from "../_generated/server";
import { credentialValidator } from "../kit/caller";
import { identifyNow, persons } from "../kit/askers";
import { consumeForAddress } from "../kit/limits";
import { identifyPerson, type Person } from "../kit/person";
import { sha256Hex } from "../kit/tokens";
import { oauthProviderName, oauthPurpose } from "../schemas/oauthSchemas";

/**
 * What remembers a sign-in from the time when its browser leaves for the provider until it comes back: ten
 * minutes, once, and in the same browser. Each leaving and each coming back is counted by its address, as
 * every place where tokens are tried: ten a minute.
 */
export type OAuthState = Doc<"oauthStates">;

const LIFETIME_MS = 10 * 60 * 1000;

const person = v.object({ userId: v.id("users"), sessionId: v.union(v.id("sessions"), v.null()) });
export type Connecting = Infer<typeof person>;

/**
 * Counts one who leaves for a provider, and says who connects an account there.
 * @throws RATE_LIMITED; of who connects UNAUTHORIZED, EMAIL_NOT_VERIFIED, REAUTHENTICATION_REQUIRED
 */
export const admit = internalMutation({
  args: {
    purpose: oauthPurpose,
    credential: v.union(credentialValidator, v.null()),
    ip: v.union(v.string(), v.null()),
  },
  returns: v.union(person, v.null()),
  handler: async (ctx, { purpose, credential, ip }): Promise<Connecting | null> => {
    await consumeForAddress(ctx, ip, true);
    if (purpose === "sign_in" || credential === null) return null;
    const identify = async (): Promise<Person> => await identifyPerson(ctx, credential);
    const who = await identifyNow({ identify, credential: credential.kind });
    persons.requireTaken(who, { needsVerifiedEmail: true, needsRecentSignIn: true });
    return { userId: who.person._id, sessionId: who.session?._id ?? null };
  },
});

const remembered = {
  provider: oauthProviderName,
  purpose: oauthPurpose,
  redirect: v.string(),
  issuer: v.string(),
  server: v.string(),
};

/** What a browser that leaves is known by when it comes back. */
export const remember = internalMutation({
  args: {
    ...remembered,
    state: v.string(),
    browser: v.string(),
    connecting: v.union(person, v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { state, browser, connecting, ...more }) => {
    const createdAt = Date.now();
    await ctx.db.insert("oauthStates", {
      ...more,
      ...(connecting === null ? {} : { userId: connecting.userId }),
      ...(connecting?.sessionId ? { sessionId: connecting.sessionId } : {}),
      stateHash: sha256Hex(state),
      browserHash: sha256Hex(browser),
      createdAt,
      expiresAt: createdAt + LIFETIME_MS,
    });
    return null;
  },
});

const taken = v.object({ id: v.id("oauthStates"), ...remembered });
export type Taken = Infer<typeof taken>;

/**
 * Counts one who comes back, and uses up the state; null where there is none that is good, of this
 * provider and of this browser. In another browser it is worth nothing, and stays good in its own.
 * @throws RATE_LIMITED
 */
export const take = internalMutation({
  args: {
    provider: oauthProviderName,
    state: v.string(),
    browser: v.string(),
    ip: v.union(v.string(), v.null()),
  },
  returns: v.union(taken, v.null()),
  handler: async (ctx, { provider, state, browser, ip }): Promise<Taken | null> => {
    await consumeForAddress(ctx, ip, true);
    const row = await ctx.db
      .query("oauthStates")
      .withIndex("by_stateHash", (q) => q.eq("stateHash", sha256Hex(state)))
      .unique();
    const now = Date.now();
    const isGood =
      row?.usedAt === undefined &&
      row?.provider === provider &&
      row.browserHash === sha256Hex(browser) &&
      row.expiresAt > now;
    if (!isGood) return null;
    await ctx.db.patch("oauthStates", row._id, { usedAt: now });
    const { _id: id, purpose, redirect, issuer, server } = row;
    return { id, provider, purpose, redirect, issuer, server };
  },
});

/** A state that was used up, as its answer is applied. */
export async function stateOf(ctx: MutationCtx, id: Id<"oauthStates">): Promise<OAuthState> {
  const state = await ctx.db.get("oauthStates", id);
  if (!state) throw new Error(`The state ${id} is missing.`);
  return state;
}
