"use node";

import { v } from "convex/values";
import { internal } from "../_generated/api";
import { internalAction } from "../_generated/server";
import { failureCode, OAuthClient } from "./client";
import { configurationOf } from "./provider";
import { providerOf } from "./providers";
import type { Revocable } from "./revocationSteps";

/** Takes the grant of a connection that was disconnected back at its provider. What fails is tried again. */
export const revoke = internalAction({
  args: { id: v.id("oauthConnections") },
  returns: v.null(),
  handler: async (ctx, { id }): Promise<null> => {
    const claimed: Revocable | null = await ctx.runMutation(internal.oauth.revocationSteps.claim, {
      id,
    });
    if (!claimed) return null;
    const { lease, ...grant } = claimed;
    const error = await failureOf(grant);
    await ctx.runMutation(internal.oauth.revocationSteps.settle, { id, lease, error });
    return null;
  },
});

/** The refresh token, with which the provider ends the access tokens too; else the access token. */
async function failureOf({ provider, token }: Omit<Revocable, "lease">): Promise<string | null> {
  try {
    const known = providerOf(provider);
    const client = await OAuthClient.discover(known, configurationOf(known));
    await client.revoke(token);
    return null;
  } catch (error) {
    return failureCode(error);
  }
}
