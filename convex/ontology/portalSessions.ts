import { internal } from "../_generated/api";
import type { OrderedQuery } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { own } from "../kit/own";
import { newToken, sha256Hex } from "../kit/tokens";
import { record, type WriteScope } from "./effects";
import type { ObjectDoc } from "./registry";

/** As long as an Auth.js session lasts by default: the two end together. */
const SESSION_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;
/** A portal that signs in more often than its users do must not pile up sessions. */
const MAX_LIVE_SESSIONS = 20;

type PortalSession = Doc<"frontendSessions">;

/** A new session token of a portal user, shown this once; the mutation that ends it is scheduled. */
export async function startPortalSession(
  ctx: MutationCtx,
  scope: WriteScope,
  user: ObjectDoc<"frontend_user">,
): Promise<{ sessionToken: string; expiresAt: number }> {
  const live = await liveSessions(ctx, user._id).take(MAX_LIVE_SESSIONS);
  const oldest = live.at(-1);
  if (live.length === MAX_LIVE_SESSIONS && oldest) await revokePortalSession(ctx, scope, oldest);
  const sessionToken = newToken("portal_session");
  const createdAt = Date.now();
  const expiresAt = createdAt + SESSION_DAYS * DAY;
  const sessionId = await ctx.db.insert("frontendSessions", {
    organizationId: scope.organizationId,
    userId: user._id,
    tokenHash: sha256Hex(sessionToken),
    createdBy: scope.actor.id,
    createdAt,
    expiresAt,
  });
  await ctx.scheduler.runAt(expiresAt, internal.expiry.endPortalSession, { sessionId });
  await record(ctx, scope, {
    action: "frontend_user.signed_in",
    objectType: "frontend_user",
    objectId: user._id,
    changes: [{ field: "session", after: sessionId }],
  });
  return { sessionToken, expiresAt };
}

/** The organization's session of this id that still lives. @throws PORTAL_SESSION_NOT_FOUND */
export async function requirePortalSession(
  ctx: QueryCtx,
  organizationId: Id<"organizations">,
  id: string,
): Promise<PortalSession> {
  const lives = ({ revokedAt }: PortalSession): boolean => revokedAt === undefined;
  return await own(ctx, { organizationId }, "frontendSessions", id, lives);
}

export async function revokePortalSession(
  ctx: MutationCtx,
  scope: WriteScope,
  session: PortalSession,
): Promise<void> {
  await revoke(ctx, session);
  await recordRevocation(ctx, scope, session.userId, 1);
}

/** Ends all sessions of a portal user. */
export async function revokePortalSessions(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"objects">,
): Promise<void> {
  const sessions = await liveSessions(ctx, userId).take(MAX_LIVE_SESSIONS);
  for (const session of sessions) await revoke(ctx, session);
  if (sessions.length > 0) await recordRevocation(ctx, scope, userId, sessions.length);
}

/** Newest first. */
export function liveSessions(
  ctx: QueryCtx,
  userId: Id<"objects">,
): OrderedQuery<DataModel["frontendSessions"]> {
  return ctx.db
    .query("frontendSessions")
    .withIndex("by_user", (q) => q.eq("userId", userId).eq("revokedAt", undefined))
    .order("desc");
}

async function revoke(ctx: MutationCtx, session: PortalSession): Promise<void> {
  await ctx.db.patch("frontendSessions", session._id, { revokedAt: Date.now() });
}

async function recordRevocation(
  ctx: MutationCtx,
  scope: WriteScope,
  userId: Id<"objects">,
  count: number,
): Promise<void> {
  await record(ctx, scope, {
    action: "frontend_user.signed_out",
    objectType: "frontend_user",
    objectId: userId,
    changes: [{ field: "sessions", before: count, after: 0 }],
  });
}
