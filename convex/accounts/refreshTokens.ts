import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { readToken, newToken, sha256Hex } from "../kit/tokens";
import { type Session, SESSION_ROLLS_MS } from "./sessions";

/**
 * Refresh tokens (RFC 6749, 6; rotated as RFC 9700, 4.14.2 has it): each is used once and gives the
 * next. Two tabs ask at once, and answers are lost, so for ten seconds after its first use a token
 * gives one more of the same session; whoever comes with it later than that has stolen it, or was
 * stolen from, and the session ends.
 */
const REUSE_WINDOW_MS = 10_000;

export async function issueRefreshToken(
  ctx: MutationCtx,
  session: Pick<Session, "_id" | "endsAt" | "expiresAt">,
): Promise<string> {
  const token = newToken("refresh");
  const createdAt = Date.now();
  await ctx.db.insert("refreshTokens", {
    sessionId: session._id,
    tokenHash: sha256Hex(token),
    createdAt,
    expiresAt: Math.min(createdAt + SESSION_ROLLS_MS, session.endsAt ?? session.expiresAt),
  });
  return token;
}

export type Refreshing =
  | { outcome: "good"; session: Session }
  /** Used before, longer ago than two tabs take. */
  | { outcome: "reused"; session: Session }
  | { outcome: "refused" };

/** Uses a refresh token up, if it is good. */
export async function useRefreshToken(ctx: MutationCtx, token: string): Promise<Refreshing> {
  const credential = readToken(token);
  if (credential?.kind !== "refresh") return { outcome: "refused" };
  const row = await ctx.db
    .query("refreshTokens")
    .withIndex("by_tokenHash", (q) => q.eq("tokenHash", credential.tokenHash))
    .unique();
  const session = row && (await livingSession(ctx, row.sessionId));
  const now = Date.now();
  if (!row || !session || session.expiresAt <= now || row.expiresAt <= now) {
    return { outcome: "refused" };
  }
  if (row.usedAt === undefined) {
    await ctx.db.patch("refreshTokens", row._id, { usedAt: now });
    return { outcome: "good", session };
  }
  const isSoon = now - row.usedAt <= REUSE_WINDOW_MS;
  return { outcome: isSoon ? "good" : "reused", session };
}

async function livingSession(ctx: MutationCtx, id: Id<"sessions">): Promise<Session | null> {
  const session = await ctx.db.get("sessions", id);
  return session?.revokedAt === undefined ? session : null;
}
