import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { ApiError, notFound } from "../kit/errors";
import { rowOfAnyTenant } from "../kit/own";
import { sealSecret } from "../kit/secretBox";
import type { OAuthIdentity } from "./identities";

/** Mailboxes and calendars that people have connected: theirs, in whatever organization they act. */
export type Connection = Doc<"oauthConnections">;

/** One person may connect so many accounts, which is what their list has: more are refused. */
const MAX_CONNECTIONS = 100;

/** What a provider has granted; null for a sign-in, which keeps nothing of it. */
export const grant = v.union(
  v.object({
    accessToken: v.string(),
    refreshToken: v.optional(v.string()),
    scopes: v.array(v.string()),
    expiresInSeconds: v.optional(v.number()),
  }),
  v.null(),
);
export type Grant = NonNullable<Infer<typeof grant>>;

/** Where a provider does not say how long its access token is good (RFC 6749, 5.1). */
const DEFAULT_SECONDS = 3600;

/** An account that is connected anew has one connection still, with its newest grant. */
export async function keepConnection(
  ctx: MutationCtx,
  userId: Id<"users">,
  account: OAuthIdentity,
  granted: Grant | null,
): Promise<Connection> {
  if (granted === null) throw new Error("Nothing was granted.");
  const { provider, issuer, subject, email } = account;
  const all = await connectionsOf(ctx, userId);
  const present = all.find((each) => each.issuer === issuer && each.subject === subject);
  const now = Date.now();
  const fields = {
    ...(await sealedTokens(granted, now)),
    ...{ email, scopes: granted.scopes, status: "active" as const, connectedAt: now },
    ...{ lastSuccessAt: now, lastError: undefined, refreshingUntil: undefined, job: undefined },
  };
  const grant = (present?.grant ?? 0) + 1;
  const row = { userId, provider, issuer, subject, ...fields, grant };
  const id = present?._id ?? (await ctx.db.insert("oauthConnections", row));
  if (present) await ctx.db.patch("oauthConnections", id, { ...fields, grant });
  const connection = await ctx.db.get("oauthConnections", id);
  if (!connection) throw new Error("A new connection is missing.");
  return connection;
}

/** Whether one may be connected that is not yet, or is again. */
export async function hasRoomFor(
  ctx: QueryCtx,
  userId: Id<"users">,
  { issuer, subject }: Pick<OAuthIdentity, "issuer" | "subject">,
): Promise<boolean> {
  const all = await connectionsOf(ctx, userId);
  const isPresent = all.some((each) => each.issuer === issuer && each.subject === subject);
  return isPresent || all.length < MAX_CONNECTIONS;
}

/** As they are stored. A provider that gives no new refresh token means the one that there is. */
export async function sealedTokens(
  { accessToken, refreshToken, expiresInSeconds = DEFAULT_SECONDS }: Omit<Grant, "scopes">,
  now: number,
): Promise<Pick<Connection, "accessToken" | "accessExpiresAt" | "refreshToken">> {
  return {
    accessToken: await sealSecret(accessToken),
    accessExpiresAt: now + expiresInSeconds * 1000,
    ...(refreshToken === undefined ? {} : { refreshToken: await sealSecret(refreshToken) }),
  };
}

/** The oldest first. */
export async function connectionsOf(ctx: QueryCtx, userId: Id<"users">): Promise<Connection[]> {
  return await ctx.db
    .query("oauthConnections")
    .withIndex("by_user", (q) => q.eq("userId", userId))
    .take(MAX_CONNECTIONS);
}

/** By an id from outside: whose it is, who asks must look at. */
export async function findConnection(
  ctx: Pick<QueryCtx, "db">,
  id: string,
): Promise<Connection | null> {
  return await rowOfAnyTenant(ctx, "oauthConnections", id);
}

/** A person's connection by an id from outside. @throws CONNECTION_NOT_FOUND */
export async function requireConnection(
  ctx: QueryCtx,
  userId: Id<"users">,
  id: string,
): Promise<Connection> {
  const connection = await findConnection(ctx, id);
  if (!connection || connection.userId !== userId) throw notFound("connection");
  return connection;
}

/**
 * Of one person who had two users: an account that both have connected keeps the connection of who stays.
 * @throws CONFLICT where they have more than one person may have
 */
export async function moveConnections(
  ctx: MutationCtx,
  from: Id<"users">,
  to: Id<"users">,
): Promise<void> {
  const present = await connectionsOf(ctx, to);
  const isPresent = ({ issuer, subject }: Connection): boolean =>
    present.some((each) => each.issuer === issuer && each.subject === subject);
  const moving = (await connectionsOf(ctx, from)).filter((each) => !isPresent(each));
  if (present.length + moving.length > MAX_CONNECTIONS) {
    const message = `A person has at most ${MAX_CONNECTIONS} connections: disconnect some first.`;
    throw new ApiError("CONFLICT", message, { details: { limit: MAX_CONNECTIONS } });
  }
  for (const connection of moving) {
    await ctx.db.patch("oauthConnections", connection._id, { userId: to });
  }
}
