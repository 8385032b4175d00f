import type { Doc } from "../_generated/dataModel";
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

function recentSeconds(): number {
  const seconds = Number(process.env.RECENT_SIGN_IN_SECONDS ?? DEFAULT_SECONDS);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : DEFAULT_SECONDS;
}
