import type { Infer } from "convex/values";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { RequestOrigin } from "../kit/requestOrigin";
import { notFound } from "../kit/errors";
import { idOfAnyTenant } from "../kit/own";
import { newToken, sha256Hex } from "../kit/tokens";
import { signInMethod } from "../schemas/coreSchemas";
import { USE_NOTED_EVERY_MS } from "./sessionTimes";

/**
 * Sessions of staff: seven days after their last use, at most `SESSION_MAX_DAYS` in all. Whoever
 * sets `expiresAt` schedules its end (expiry.ts), which looks again when it has moved on meanwhile.
 */
export type Session = Doc<"sessions">;
export type SignInMethod = Infer<typeof signInMethod>;

const DAY = 24 * 60 * 60 * 1000;
export const SESSION_ROLLS_MS = 7 * DAY;
const DEFAULT_MAX_DAYS = 30;
/** Of one person at a time; the one that was used longest ago makes room. */
const MAX_SESSIONS = 100;
const LONGEST_NAME = 200;

export type SignIn = {
  method: SignInMethod;
  request: Pick<RequestOrigin, "ip" | "userAgent">;
  deviceName?: string | undefined;
  isStrong?: boolean | undefined;
  /** When they proved who they are, where that is not now. */
  authenticatedAt?: number;
};

/** A new session and its token, which is shown this once. */
export async function startSession(
  ctx: MutationCtx,
  userId: Id<"users">,
  { method, request: { ip, userAgent }, deviceName, isStrong = false, authenticatedAt }: SignIn,
): Promise<{ session: Session; token: string }> {
  await makeRoom(ctx, userId);
  const token = newToken("session");
  const now = Date.now();
  const endsAt = now + maxDays() * DAY;
  const expiresAt = Math.min(now + SESSION_ROLLS_MS, endsAt);
  const sessionId = await ctx.db.insert("sessions", {
    ...{ userId, tokenHash: sha256Hex(token), createdAt: now, expiresAt, endsAt },
    ...{ method, authenticatedAt: authenticatedAt ?? now, isStrong, lastUsedAt: now },
    ...(deviceName === undefined ? {} : { deviceName: deviceName.slice(0, LONGEST_NAME) }),
    ...(userAgent === null ? {} : { userAgent }),
    ...(ip === null ? {} : { ip }),
  });
  await ctx.scheduler.runAt(expiresAt, internal.expiry.endSession, { sessionId });
  const session = await ctx.db.get("sessions", sessionId);
  if (!session) throw new Error("A new session is missing.");
  return { session, token };
}

async function makeRoom(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  const living = await livingSessions(ctx, userId);
  if (living.length < MAX_SESSIONS) return;
  const [oldest] = living.sort((a, b) => lastUseOf(a) - lastUseOf(b));
  if (oldest) await endSession(ctx, oldest);
}

/** `SESSION_MAX_DAYS`: how long a session lasts in all, however often it is used. */
function maxDays(): number {
  const days = Number(process.env.SESSION_MAX_DAYS ?? DEFAULT_MAX_DAYS);
  return Number.isFinite(days) && days > 0 ? days : DEFAULT_MAX_DAYS;
}

/**
 * Notes that a session has been used, and gives it its seven days from now, if that has not been
 * done a moment ago. Answers the new end, or null where nothing was written.
 */
export async function noteUse(ctx: MutationCtx, session: Session): Promise<number | null> {
  const now = Date.now();
  if (now - lastUseOf(session) < USE_NOTED_EVERY_MS) return null;
  const { endsAt } = session;
  const expiresAt =
    endsAt === undefined
      ? session.expiresAt
      : Math.max(session.expiresAt, Math.min(now + SESSION_ROLLS_MS, endsAt));
  await ctx.db.patch("sessions", session._id, { lastUsedAt: now, expiresAt });
  return expiresAt;
}

/** They have proved who they are once more. */
export async function noteAuthentication(
  ctx: MutationCtx,
  session: Session,
  { isStrong = false }: { isStrong?: boolean } = {},
): Promise<number> {
  const authenticatedAt = Date.now();
  await ctx.db.patch("sessions", session._id, {
    authenticatedAt,
    isStrong: isStrong || session.isStrong === true,
  });
  return authenticatedAt;
}

/** They were signed in with a second factor that they have no more. */
export async function weakenSessions(ctx: MutationCtx, userId: Id<"users">): Promise<void> {
  for (const { _id, isStrong } of await livingSessions(ctx, userId)) {
    if (isStrong) await ctx.db.patch("sessions", _id, { isStrong: false });
  }
}

/** At once, with its access tokens and live queries. */
export async function endSession(ctx: MutationCtx, session: Session): Promise<void> {
  if (session.revokedAt !== undefined) return;
  await ctx.db.patch("sessions", session._id, { revokedAt: Date.now() });
}

/** All of a person, but the given one. Answers how many there were. */
export async function endSessionsOf(
  ctx: MutationCtx,
  userId: Id<"users">,
  { but }: { but?: Id<"sessions"> | undefined } = {},
): Promise<number> {
  const others = (await livingSessions(ctx, userId)).filter(({ _id }) => _id !== but);
  for (const session of others) await endSession(ctx, session);
  return others.length;
}

/** The newest first; at most a hundred are there at a time. */
export async function livingSessions(ctx: QueryCtx, userId: Id<"users">): Promise<Session[]> {
  return await ctx.db
    .query("sessions")
    .withIndex("by_living", (q) => q.eq("userId", userId).eq("revokedAt", undefined))
    .order("desc")
    .take(2 * MAX_SESSIONS);
}

/** A living session of the person by an id from outside. @throws SESSION_NOT_FOUND */
export async function requireSession(
  ctx: QueryCtx,
  userId: Id<"users">,
  id: string,
): Promise<Session> {
  const sessionId = idOfAnyTenant(ctx, "sessions", id);
  const session = sessionId && (await ctx.db.get("sessions", sessionId));
  if (!session || session.userId !== userId || session.revokedAt !== undefined) {
    throw notFound("session");
  }
  return session;
}

/** Milliseconds since the epoch; to ten minutes. */
export function lastUseOf({ lastUsedAt, createdAt }: Session): number {
  return lastUsedAt ?? createdAt;
}

/** The way of a sign-in, as it was written down while it was under way. */
export function methodOf(signIn: string | undefined): SignInMethod {
  const method = signInMethod.members.find(({ value }) => value === signIn)?.value;
  if (method === undefined) throw new Error(`${signIn} is no way to sign in.`);
  return method;
}

/** When they last proved who they are: milliseconds since the epoch. */
export function authenticatedAtOf({ authenticatedAt, createdAt }: Session): number {
  return authenticatedAt ?? createdAt;
}
