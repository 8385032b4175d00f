import { v } from "convex/values";
import { internal } from "./_generated/api";
import { internalMutation } from "./_generated/server";
import { record } from "./ontology/effects";
import { systemScope } from "./tenancy";

/** Scheduled for `expiresAt` by kit/apiKeys.ts. A key that was given more time is left alone. */
export const revokeApiKey = internalMutation({
  args: { keyId: v.id("apiKeys") },
  returns: v.null(),
  handler: async (ctx, { keyId }) => {
    const key = await ctx.db.get("apiKeys", keyId);
    const now = Date.now();
    if (!key || key.revokedAt !== undefined || (key.expiresAt ?? Infinity) > now) return null;
    await ctx.db.patch("apiKeys", keyId, { revokedAt: now });
    await record(ctx, systemScope(key.organizationId, "expiry"), {
      action: "api_key.expired",
      objectType: "api_key",
      objectId: keyId,
      changes: [{ field: "name", after: key.name }],
    });
    return null;
  },
});

/** Scheduled for `expiresAt` by accounts/sessions.ts; one that was used since ends later. */
export const endSession = internalMutation({
  args: { sessionId: v.id("sessions") },
  returns: v.null(),
  handler: async (ctx, { sessionId }) => {
    const session = await ctx.db.get("sessions", sessionId);
    const now = Date.now();
    if (!session || session.revokedAt !== undefined) return null;
    if (session.expiresAt > now) {
      await ctx.scheduler.runAt(session.expiresAt, internal.expiry.endSession, { sessionId });
      return null;
    }
    await ctx.db.patch("sessions", sessionId, { revokedAt: now });
    return null;
  },
});

/** Scheduled for `expiresAt` by ontology/portalSessions.ts; takes revoked ones away too. */
export const endPortalSession = internalMutation({
  args: { sessionId: v.id("frontendSessions") },
  returns: v.null(),
  handler: async (ctx, { sessionId }) => {
    const session = await ctx.db.get("frontendSessions", sessionId);
    if (!session || session.expiresAt > Date.now()) return null;
    await ctx.db.delete("frontendSessions", sessionId);
    return null;
  },
});
