import { type Infer, v } from "convex/values";
import { internalMutation } from "../_generated/server";
import { asked, attemptFailed, holds, leased } from "../jobs/job";
import { openSecret } from "../kit/secretBox";
import { oauthProviderName } from "../schemas/oauthSchemas";
import { isBeingRevoked, LEASE_MS, putNext } from "./revocationKind";

const revocable = v.object({
  provider: oauthProviderName,
  token: v.string(),
  lease: v.number(),
});
export type Revocable = Infer<typeof revocable>;

/** What is to be taken back, under a lease; null when that is done, or is another run's. */
export const claim = internalMutation({
  args: { id: v.id("oauthConnections") },
  returns: v.union(revocable, v.null()),
  handler: async (ctx, { id }): Promise<Revocable | null> => {
    const connection = await ctx.db.get("oauthConnections", id);
    if (!connection || !isBeingRevoked(connection)) return null;
    const { job, provider, refreshToken, accessToken } = connection;
    const sealed = refreshToken ?? accessToken;
    if (job?.state !== "queued" || sealed === undefined) return null;
    const now = Date.now();
    const held = asked(leased(job, now, LEASE_MS), now, LEASE_MS);
    await ctx.db.patch("oauthConnections", id, { job: held });
    return { provider, token: await openSecret(sealed), lease: held.lease };
  },
});

/** The connection is forgotten once its provider knows; one that the provider never took stays in the list. */
export const settle = internalMutation({
  args: { id: v.id("oauthConnections"), lease: v.number(), error: v.union(v.string(), v.null()) },
  returns: v.null(),
  handler: async (ctx, { id, lease, error }) => {
    const connection = await ctx.db.get("oauthConnections", id);
    if (!connection?.job || connection.status !== "revoked") return null;
    if (!holds(connection.job, lease)) return null;
    if (error === null) await ctx.db.delete("oauthConnections", id);
    else await putNext(ctx, connection, attemptFailed(connection.job, Date.now(), { error }));
    return null;
  },
});
