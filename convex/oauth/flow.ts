"use node";

import { type Infer, v } from "convex/values";
import type { AuthorizationServer } from "oauth4webapi";
import { internal } from "../_generated/api";
import { type ActionCtx, internalAction } from "../_generated/server";
import { credentialValidator } from "../kit/caller";
import { errorDataOf } from "../kit/errors";
import { type RequestOrigin, requestOrigin } from "../kit/requestOrigin";
import { oauthProviderName, oauthPurpose } from "../schemas/oauthSchemas";
import type { OAuthIdentity } from "./identities";
import { failureCode, type Granted, OAuthClient } from "./client";
import { type Finished, finished } from "./finish";
import { type Claims, configurationOf, type OAuthProvider, textClaim } from "./provider";
import { providerOf } from "./providers";
import { randomSecret, secretsOf } from "./secrets";
import type { Connecting, Taken } from "./states";

const refused = v.object({ kind: v.literal("refused"), code: v.string(), reason: v.string() });
const left = v.union(v.object({ kind: v.literal("left"), url: v.string() }), refused);
type Left = Infer<typeof left>;

/**
 * Sends a browser to a provider: whom it is asked for, and where, its discovery document says.
 * @throws as states.admit; SERVICE_UNAVAILABLE where the provider is not set up
 */
export const start = internalAction({
  args: {
    provider: oauthProviderName,
    purpose: oauthPurpose,
    redirect: v.string(),
    callback: v.string(),
    browser: v.string(),
    credential: v.union(credentialValidator, v.null()),
    ip: v.union(v.string(), v.null()),
  },
  returns: left,
  handler: async (ctx, { provider: name, callback, credential, ip, ...asked }): Promise<Left> => {
    const provider = providerOf(name);
    const configured = configurationOf(provider);
    const { purpose, redirect, browser } = asked;
    const connecting: Connecting | null = await ctx.runMutation(internal.oauth.states.admit, {
      ...{ purpose, credential, ip },
    });
    try {
      const client = await OAuthClient.discover(provider, configured);
      const state = randomSecret();
      const url = await client.authorizationUrl(purpose, secretsOf(browser, state), callback);
      await ctx.runMutation(internal.oauth.states.remember, {
        ...{ provider: name, purpose, redirect, state, browser, connecting },
        issuer: configured.issuer,
        server: JSON.stringify(client.server),
      });
      return { kind: "left", url };
    } catch (error) {
      return refusal(error);
    }
  },
});

const returned = v.object({
  /** Null where it is nobody's who left from here. */
  redirect: v.union(v.string(), v.null()),
  outcome: finished,
});
export type Returned = Infer<typeof returned>;

/**
 * Takes a browser back from a provider. The state is used up first; then the provider is asked once what
 * the code stands for; then one transaction does all that follows. Cut off anywhere in between, nothing
 * has happened, and the sign-in is begun anew. @throws RATE_LIMITED, SERVICE_UNAVAILABLE
 */
export const callback = internalAction({
  args: {
    provider: oauthProviderName,
    /** The callback's query. */
    query: v.string(),
    callback: v.string(),
    browser: v.union(v.string(), v.null()),
    ...requestOrigin.fields,
  },
  returns: returned,
  handler: async (
    ctx,
    { provider: name, query, callback, browser, ...origin },
  ): Promise<Returned> => {
    const provider = providerOf(name);
    const parameters = new URLSearchParams(query);
    const state = parameters.get("state") ?? "";
    const taken: Taken | null = await ctx.runMutation(internal.oauth.states.take, {
      ...{ provider: name, state, browser: browser ?? "", ip: origin.ip },
    });
    if (!taken || browser === null) {
      return { redirect: null, outcome: failed("It was not begun in this browser, or is over.") };
    }
    const { redirect } = taken;
    try {
      const secrets = secretsOf(browser, state);
      const granted = await exchange(provider, taken, parameters, secrets, callback);
      return { redirect, outcome: await finish(ctx, provider, taken, granted, origin) };
    } catch (error) {
      return { redirect, outcome: refusal(error) };
    }
  },
});

async function exchange(
  provider: OAuthProvider,
  { issuer, server }: Taken,
  parameters: URLSearchParams,
  secrets: ReturnType<typeof secretsOf>,
  callback: string,
): Promise<Granted> {
  const configured = configurationOf(provider);
  if (configured.issuer !== issuer) throw new Error("The provider was changed meanwhile.");
  const client = OAuthClient.of(provider, configured, JSON.parse(server) as AuthorizationServer);
  return await client.exchange(parameters, secrets, callback);
}

async function finish(
  ctx: ActionCtx,
  provider: OAuthProvider,
  { id, issuer, purpose }: Taken,
  { claims, ...granted }: Granted,
  origin: RequestOrigin,
): Promise<Finished> {
  const { accessToken, refreshToken, scopes, expiresInSeconds } = granted;
  return await ctx.runMutation(internal.oauth.finish.finish, {
    stateId: id,
    account: identityOf(provider, granted.issuer, claims, issuer),
    granted:
      purpose === "connect"
        ? {
            ...{ accessToken, scopes },
            ...(refreshToken === undefined ? {} : { refreshToken }),
            ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
          }
        : null,
    ...origin,
  });
}

function identityOf(
  provider: OAuthProvider,
  issuer: string,
  claims: Claims,
  configured: string,
): OAuthIdentity {
  const subject = textClaim(claims, "sub");
  if (subject === undefined) throw new Error("The ID token names nobody.");
  const name = textClaim(claims, "name");
  const claimed = provider.emailOf(claims, configured);
  return {
    ...{ provider: provider.name, issuer, subject, standing: claimed?.standing ?? "unproved" },
    ...(name === undefined ? {} : { name: name.slice(0, 500).toWellFormed() }),
    ...(claimed === null ? {} : { email: claimed.email.slice(0, 500).toWellFormed() }),
  };
}

function failed(reason: string): Infer<typeof refused> {
  return { kind: "refused", code: "OAUTH_FAILED", reason };
}

/** What the app is told: our own refusals by their codes, whatever else by one; and the log, in words. */
function refusal(error: unknown): Infer<typeof refused> {
  const data = errorDataOf(error);
  if (data) return { kind: "refused", code: data.code, reason: data.message };
  return failed(
    `${failureCode(error)}: ${error instanceof Error ? error.message : ""}`.slice(0, 300),
  );
}
