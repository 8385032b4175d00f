import type { Doc } from "../_generated/dataModel";
import { ApiError } from "../kit/errors";

/** The session that is calling. @throws INVALID_STATE for who signed in elsewhere, with Clerk */
export function sessionOf({ session }: { session: Doc<"sessions"> | null }): Doc<"sessions"> {
  if (session) return session;
  const message = "You have signed in elsewhere, not with a session of this deployment.";
  throw new ApiError("INVALID_STATE", message, { details: { status: "external", allowed: [] } });
}
