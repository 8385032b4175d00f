import { v } from "convex/values";
import { query } from "./_generated/server";
import { callerIn, sessionArgument } from "./kit/live";
import { cursorOf } from "./sync/position";
import { latestCommit } from "./sync/pull";

/**
 * Where the organization's changes end. A device that subscribes pulls when the cursor becomes another
 * than the one that it has.
 */
export const latest = query({
  args: { ...sessionArgument, organizationId: v.id("organizations") },
  returns: v.object({ cursor: v.string() }),
  handler: async (ctx, { sessionId, organizationId }): Promise<{ cursor: string }> => {
    await callerIn(ctx, sessionId, organizationId, "sync:read");
    return { cursor: cursorOf(organizationId, await latestCommit(ctx, organizationId)) };
  },
});
