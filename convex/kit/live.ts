import { v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import { TenantReader } from "../ontology/reader";
import { objectTypes, type ObjectDoc, type ObjectType } from "../ontology/registry";
import { isOfType } from "../ontology/reader";
import { admit, callersOfOrganizations } from "./askers";
import { siteIssuer } from "./accessTokens";
import {
  type Caller,
  type Identity,
  membershipIn,
  staffCaller,
  userOfAccessToken,
  userOfSession,
} from "./caller";
import { clerkUser } from "./clerk";
import { ApiError, notFound } from "./errors";
import { organizationOf, rowOfAnyTenant } from "./own";
import { firstRows, type Pageable } from "./page";
import type { Scope } from "./scopes";
import { readToken } from "./tokens";
import { unauthorized } from "./unauthorized";

/**
 * Live functions of the dashboard name their caller by `sessionId`, the platform session token, or by
 * the token with which the client has authenticated, ours or Clerk's; a `sessionId` goes before that. They stand
 * on the same callers, scopes and tenants as the HTTP endpoints.
 */
export const sessionArgument = { sessionId: v.optional(v.string()) };

/** The `sessionId` of a call, if it has one. */
export type SessionId = string | undefined;

export type LiveCaller = { caller: Caller; tenant: TenantReader };

/** The newest so many rows are what a function that returns a whole collection returns. */
const LIVE_COLLECTION_LIMIT = 1000;

/** A whole collection, as far as it is returned: fewer rows where they are large. */
export async function collectionOf<Row>(rows: Pageable<Row>): Promise<Row[]> {
  return (await firstRows(rows, LIVE_COLLECTION_LIMIT)).page;
}

/**
 * The caller within the organization that the arguments name.
 * @throws UNAUTHORIZED, FORBIDDEN for an organization that is not the user's, INSUFFICIENT_SCOPE
 */
export async function callerIn(
  ctx: QueryCtx,
  sessionId: SessionId,
  organizationId: Id<"organizations">,
  scope: Scope,
): Promise<LiveCaller> {
  const identified = async (): Promise<Identity> =>
    await identifyIn(ctx, sessionId, organizationId);
  return readerOf(ctx, await admit(callersOfOrganizations, identified, { scope }));
}

/** Who calls, for the organization. @throws UNAUTHORIZED, FORBIDDEN */
export async function identifyIn(
  ctx: QueryCtx,
  sessionId: SessionId,
  organizationId: Id<"organizations">,
): Promise<Identity> {
  const { user, session } = await personCalling(ctx, sessionId);
  const membership = await membershipIn(ctx, user._id, organizationId);
  if (!membership) throw new ApiError("FORBIDDEN", "This organization is not yours.");
  return identityOf(user, membership, session);
}

/**
 * The caller within the organization that an object belongs to, with the object: where a function
 * names only the object. One of an organization that is not the user's does not exist.
 * @throws UNAUTHORIZED, `<RESOURCE>_NOT_FOUND`, INSUFFICIENT_SCOPE
 */
export async function callerAt<T extends ObjectType>(
  ctx: QueryCtx,
  sessionId: SessionId,
  type: T,
  id: string,
  scope: Scope,
): Promise<LiveCaller & { object: ObjectDoc<T> }> {
  const identified = async (): Promise<Identity & { object: ObjectDoc<T> }> =>
    await identifyAt(ctx, sessionId, { type, id });
  const who = await admit(callersOfOrganizations, identified, { scope });
  return { ...readerOf(ctx, who), object: who.object };
}

/** Who calls, for the organization of the object. @throws UNAUTHORIZED, `<RESOURCE>_NOT_FOUND` */
export async function identifyAt<T extends ObjectType>(
  ctx: QueryCtx,
  sessionId: SessionId,
  { type, id }: { type: T; id: string },
): Promise<Identity & { object: ObjectDoc<T> }> {
  const { user, session } = await personCalling(ctx, sessionId);
  const object = await rowOfAnyTenant(ctx, "objects", id);
  const membership = object && (await membershipIn(ctx, user._id, object.organizationId));
  if (!membership || object.lifecycle === "deleted" || !isOfType(object, type)) {
    throw notFound(objectTypes[type].resource);
  }
  const who = identityOf(user, membership, session);
  const isSeen = await new TenantReader(ctx, who.caller).sight.sees(object);
  if (!isSeen) throw notFound(objectTypes[type].resource);
  return { ...who, object };
}

/**
 * Who calls, and under which session; a token's end is watched by who verified it.
 * @throws UNAUTHORIZED
 */
export async function personCalling(
  ctx: QueryCtx,
  sessionId: SessionId,
): Promise<{ user: Doc<"users">; session: Doc<"sessions"> | null }> {
  if (sessionId === undefined) {
    const claims = await accessClaims(ctx);
    if (claims !== null) return await userOfAccessToken(ctx, claims);
    const user = await clerkUser(ctx);
    if (user === null) throw unauthorized("live");
    return { user, session: null };
  }
  const credential = readToken(sessionId);
  if (credential?.kind !== "session") throw unauthorized("live");
  return await userOfSession(ctx, credential.tokenHash);
}

/** Of the access token of ours with which the client has authenticated; another issuer's is none. */
async function accessClaims(ctx: QueryCtx): Promise<{ sessionId: string; userId: string } | null> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity?.issuer !== siteIssuer()) return null;
  const { sid } = identity;
  return { sessionId: typeof sid === "string" ? sid : "", userId: identity.subject };
}

/** Whose days the arguments of a call speak of. */
export async function daysIn(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
): Promise<{ timeZone: string }> {
  return { timeZone: (await organizationOf(ctx, { organizationId })).timeZone };
}

function identityOf(
  user: Doc<"users">,
  membership: Doc<"memberships">,
  session: Doc<"sessions"> | null,
): Identity {
  const caller = staffCaller(user, membership, session);
  return { caller, expiresAt: session?.expiresAt, keyMode: null, session };
}

function readerOf(ctx: QueryCtx, { caller }: Identity): LiveCaller {
  return { caller, tenant: new TenantReader(ctx, caller) };
}
