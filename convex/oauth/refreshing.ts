import { type Infer, v } from "convex/values";
import { internalMutation } from "../_generated/server";
import { openSecret } from "../kit/secretBox";
import { oauthProviderName } from "../schemas/oauthSchemas";
import { grant, sealedTokens } from "./connections";
import { tellExpired } from "./notices";

/**
 * Access tokens of connections. One at a time asks the provider for another, and whoever comes meanwhile
 * waits for what it gets: a provider that rotates refresh tokens (RFC 9700, 4.14.2) would take two who
 * show the same for a thief.
 */

/** So long before its end an access token is not used any more: a call takes its time, clocks differ. */
const MARGIN_MS = 60_000;
/** Longer than discovery and the refresh together may take: who asked has died by then. */
const ASKING_MS = 30_000;

const held = v.union(
  v.object({ kind: v.literal("token"), accessToken: v.string(), grant: v.number() }),
  v.object({
    kind: v.literal("refresh"),
    provider: oauthProviderName,
    refreshToken: v.string(),
    grant: v.number(),
  }),
  v.object({ kind: v.literal("wait") }),
  v.object({ kind: v.literal("over") }),
);
export type Held = Infer<typeof held>;

/** The access token of a connection, or how to get one; `refused` is one that the provider's API refused. */
export const take = internalMutation({
  args: { id: v.id("oauthConnections"), refused: v.optional(v.number()) },
  returns: held,
  handler: async (ctx, { id, refused }): Promise<Held> => {
    const connection = await ctx.db.get("oauthConnections", id);
    if (connection?.status !== "active") return { kind: "over" };
    const now = Date.now();
    const { accessToken, accessExpiresAt = 0, refreshToken, provider } = connection;
    const isGood = accessExpiresAt - MARGIN_MS > now && connection.grant !== refused;
    if (accessToken !== undefined && isGood) {
      return { kind: "token", accessToken: await openSecret(accessToken), grant: connection.grant };
    }
    if ((connection.refreshingUntil ?? 0) > now) return { kind: "wait" };
    if (refreshToken === undefined) {
      await ctx.db.patch("oauthConnections", id, {
        status: "expired",
        lastError: "no_refresh_token",
      });
      await tellExpired(ctx, connection);
      return { kind: "over" };
    }
    await ctx.db.patch("oauthConnections", id, { refreshingUntil: now + ASKING_MS });
    const opened = await openSecret(refreshToken);
    return { kind: "refresh", provider, refreshToken: opened, grant: connection.grant };
  },
});

/** How a use of a connection went at the provider's API: what its person sees of its health. */
export const noteUse = internalMutation({
  args: { id: v.id("oauthConnections"), error: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { id, error }) => {
    const connection = await ctx.db.get("oauthConnections", id);
    if (connection?.status !== "active") return null;
    const how =
      error === null ? { lastSuccessAt: Date.now(), lastError: undefined } : { lastError: error };
    await ctx.db.patch("oauthConnections", id, how);
    return null;
  },
});

/**
 * Keeps what a provider gave in exchange, the new refresh token in place of the old in one transaction.
 * A grant that it takes no more ends the connection, and the person is told, once; any other failure passes.
 */
export const settle = internalMutation({
  args: {
    id: v.id("oauthConnections"),
    /** Of which grant the refresh token was. */
    grant: v.number(),
    outcome: v.union(
      v.object({ kind: v.literal("granted"), granted: grant }),
      v.object({ kind: v.literal("failed"), error: v.string(), isDead: v.boolean() }),
    ),
  },
  returns: v.null(),
  handler: async (ctx, { id, grant: of, outcome }) => {
    const connection = await ctx.db.get("oauthConnections", id);
    if (!connection) return null;
    const now = Date.now();
    const isCurrent = connection.grant === of && connection.status === "active";
    if (outcome.kind === "granted" && outcome.granted !== null) {
      const tokens = await sealedTokens(outcome.granted, now);
      // Of one that was disconnected meanwhile it is the newest that must be taken back.
      if (connection.status === "revoked") await ctx.db.patch("oauthConnections", id, tokens);
      if (!isCurrent) return null;
      const { scopes } = outcome.granted;
      await ctx.db.patch("oauthConnections", id, {
        ...tokens,
        ...(scopes.length === 0 ? {} : { scopes }),
        ...{ grant: of + 1, refreshingUntil: undefined, lastSuccessAt: now, lastError: undefined },
      });
      return null;
    }
    if (outcome.kind === "granted" || !isCurrent) return null;
    const { error: lastError, isDead } = outcome;
    await ctx.db.patch("oauthConnections", id, { lastError, refreshingUntil: undefined });
    if (!isDead) return null;
    await ctx.db.patch("oauthConnections", id, { status: "expired" });
    await tellExpired(ctx, connection);
    return null;
  },
});
