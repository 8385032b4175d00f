import type { Doc } from "../_generated/dataModel";
import type { QueryCtx } from "../_generated/server";
import type { Caller } from "../kit/caller";
import { ApiError } from "../kit/errors";
import { authenticatedAtOf } from "./sessions";

const DEFAULT_SECONDS = 600;

/**
 * What can lock its owner out, or let somebody in for good, asks for a sign-in of the last ten
 * minutes (`RECENT_SIGN_IN_SECONDS`). Who signs in elsewhere (Clerk) has no session of ours: their
 * provider asks, and this does not. @throws REAUTHENTICATION_REQUIRED
 */
export function requireRecentSignIn(session: Doc<"sessions"> | null): void {
  if (session === null) return;
  const age = Date.now() - authenticatedAtOf(session);
  if (age <= recentSeconds() * 1000) return;
  const message = "Prove once more who you are: POST /auth/reauthenticate, then repeat this.";
  throw new ApiError("REAUTHENTICATION_REQUIRED", message);
}

/** A key that opens everything, or makes others, is not made by whoever finds a screen unlocked. */
export async function requireRecentForKey(
  ctx: Pick<QueryCtx, "db">,
  caller: Caller,
  scopes: readonly string[],
): Promise<void> {
  if (!scopes.some((scope) => scope === "*" || scope.startsWith("admin:"))) return;
  if (caller.kind !== "user" || caller.sessionId === null) return;
  requireRecentSignIn(await ctx.db.get("sessions", caller.sessionId));
}

function recentSeconds(): number {
  const seconds = Number(process.env.RECENT_SIGN_IN_SECONDS ?? DEFAULT_SECONDS);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_SECONDS;
}
