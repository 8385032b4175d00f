import { v } from "convex/values";
import { lastUseOf, livingSessions } from "./accounts/sessions";
import { type SessionRecord, sessionView } from "./accounts/sessionView";
import { query } from "./_generated/server";
import { callerIn, personCalling, sessionArgument } from "./kit/live";

/**
 * The caller's living sessions, the last used first, as `GET /auth/sessions` has them: live, so that a
 * sign-in elsewhere shows at once. They are of the person: an `organizationId` need not be named.
 */
export const list = query({
  args: { ...sessionArgument, organizationId: v.optional(v.id("organizations")) },
  handler: async (ctx, { sessionId, organizationId }): Promise<SessionRecord[]> => {
    const { user, session: current } = await personCalling(ctx, sessionId);
    if (organizationId) await callerIn(ctx, sessionId, organizationId, "membership:read");
    const sessions = await livingSessions(ctx, user._id);
    return sessions
      .sort((a, b) => lastUseOf(b) - lastUseOf(a))
      .map((session) => sessionView(session, current));
  },
});
