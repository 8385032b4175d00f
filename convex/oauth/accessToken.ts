"use node";

import { setTimeout as sleep } from "node:timers/promises";
import { internal } from "../_generated/api";
import type { Id } from "../_generated/dataModel";
import type { ActionCtx } from "../_generated/server";
import { retryConflicts } from "../kit/http/conflicts";
import { failureCode, isDeadGrant, OAuthClient } from "./client";
import { configurationOf, type ProviderName } from "./provider";
import { providerOf } from "./providers";
import type { Held } from "./refreshing";

export type AccessToken = { accessToken: string; grant: number };

const WAIT_MS = 200;
const WAIT_AT_MOST_MS = 30_000;

/** A connection has none: it has expired, was disconnected, or its provider does not answer. */
export class NoAccess extends Error {
  constructor(
    readonly code: string,
    /** Only the person can mend it. */
    readonly isOver: boolean,
  ) {
    super(`The connected account cannot be used: ${code}.`);
    this.name = "NoAccess";
  }
}

/**
 * An access token of a connection, refreshed where it must be.
 * @param refused the grant whose token the provider's API has refused, though it was not over yet
 * @throws NoAccess
 */
export async function accessTokenOf(
  ctx: ActionCtx,
  id: Id<"oauthConnections">,
  refused?: number,
): Promise<AccessToken> {
  const until = Date.now() + WAIT_AT_MOST_MS;
  while (Date.now() < until) {
    const args = refused === undefined ? { id } : { id, refused };
    const held: Held = await ctx.runMutation(internal.oauth.refreshing.take, args);
    if (held.kind === "token") return { accessToken: held.accessToken, grant: held.grant };
    if (held.kind === "over") throw new NoAccess("reconnect", true);
    if (held.kind === "wait") await sleep(WAIT_MS);
    else await refresh(ctx, id, held);
  }
  throw new NoAccess("timeout", false);
}

async function refresh(
  ctx: ActionCtx,
  id: Id<"oauthConnections">,
  {
    provider,
    refreshToken,
    grant,
  }: { provider: ProviderName; refreshToken: string; grant: number },
): Promise<void> {
  try {
    const known = providerOf(provider);
    const client = await OAuthClient.discover(known, configurationOf(known));
    const { expiresInSeconds, refreshToken: next, ...tokens } = await client.refresh(refreshToken);
    const granted = {
      ...tokens,
      ...(next === undefined ? {} : { refreshToken: next }),
      ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
    };
    const outcome = { kind: "granted" as const, granted };
    await retryConflicts(() =>
      ctx.runMutation(internal.oauth.refreshing.settle, { id, grant, outcome }),
    );
  } catch (thrown) {
    const [error, isDead] = [failureCode(thrown), isDeadGrant(thrown)];
    const outcome = { kind: "failed" as const, error, isDead };
    await ctx.runMutation(internal.oauth.refreshing.settle, { id, grant, outcome });
    throw new NoAccess(error, isDead);
  }
}
