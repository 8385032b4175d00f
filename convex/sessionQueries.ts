import { v } from "convex/values";
import { lastUseOf, livingSessions, sessionById } from "./accounts/sessions";
import { type SessionRecord, sessionView } from "./accounts/sessionView";
import { query } from "./_generated/server";
import { callerIn, sessionArgument } from "./kit/live";

/**
 * The caller's living sessions, the last used first, as `GET /auth/sessions` has them: live, so that a
 * sign-in elsewhere shows at once.
 */
export const list = query({
  args: { ...sessionArgument, organizationId: v.id("organizations") },
  handler: async (ctx, { sessionId, organizationId }): Promise<SessionRecord[]> => {
    const { caller } = await callerIn(ctx, sessionId, organizationId, "membership:read");
    if (caller.kind !== "user") throw new Error(`A ${caller.kind} calls no live function.`);
    const current = caller.sessionId && (await sessionById(ctx, caller.sessionId));
    const sessions = await livingSessions(ctx, caller.id);
    return sessions
      .sort((a, b) => lastUseOf(b) - lastUseOf(a))
      .map((session) => sessionView(session, current));
  },
});
