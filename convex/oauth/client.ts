"use node";

import * as oauth from "oauth4webapi";
import { boundedFetch } from "./boundedFetch";
import {
  type Claims,
  type Configured,
  isLoopback,
  isPrivateWay,
  type OAuthProvider,
  type Purpose,
} from "./provider";
import type { Secrets } from "./secrets";

/** Whom a provider's answer is of, and what it allows. */
export type Granted = {
  issuer: string;
  claims: Claims;
  scopes: string[];
  accessToken: string;
  expiresInSeconds: number | undefined;
  refreshToken: string | undefined;
};

/** A conversation with one provider, by its discovery document; every exchange is bounded in time and size. */
export class OAuthClient {
  private readonly client: oauth.Client;
  private readonly options: {
    [oauth.customFetch]: typeof boundedFetch;
    [oauth.allowInsecureRequests]: boolean;
  };

  private constructor(
    private readonly provider: OAuthProvider,
    private readonly configured: Configured,
    readonly server: oauth.AuthorizationServer,
  ) {
    this.client = { client_id: configured.clientId };
    this.options = optionsFor(configured);
  }

  /** @throws where the provider does not say what it must, or names another issuer */
  static async discover(provider: OAuthProvider, configured: Configured): Promise<OAuthClient> {
    const asked = await oauth.discoveryRequest(new URL(configured.issuer), {
      ...optionsFor(configured),
      algorithm: "oidc",
    });
    const said = (await asked.clone().json()) as { issuer?: unknown };
    const issuer = typeof said.issuer === "string" ? said.issuer : "";
    if (!provider.mayName(issuer, configured.issuer)) {
      throw new Error(`The discovery document of ${configured.issuer} is of another issuer.`);
    }
    const server = await oauth.processDiscoveryResponse(new URL(issuer), asked);
    return OAuthClient.of(provider, configured, server);
  }

  /** With what discovery has said before. */
  static of(
    provider: OAuthProvider,
    configured: Configured,
    server: oauth.AuthorizationServer,
  ): OAuthClient {
    return new OAuthClient(provider, configured, kept(server));
  }

  /** Where a browser is sent to sign in: authorization code with PKCE (RFC 9700, 2.1.1), state and nonce. */
  async authorizationUrl(
    purpose: Purpose,
    { state, verifier, nonce }: Secrets,
    callback: string,
  ): Promise<string> {
    const endpoint = this.server.authorization_endpoint;
    if (endpoint === undefined) throw new Error("The provider names no authorization endpoint.");
    const url = new URL(endpoint);
    if (!isPrivateWay(url)) throw new Error("The provider's authorization endpoint is not https.");
    const parameters = {
      client_id: this.configured.clientId,
      response_type: "code",
      redirect_uri: callback,
      scope: this.scopesFor(purpose).join(" "),
      ...{ state, nonce },
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...(purpose === "connect" ? this.provider.connecting : {}),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /**
   * What a callback's code stands for, from an ID token whose issuer, audience, nonce, time and signature
   * are as they must be (OpenID Connect Core, 3.1.3.7).
   * @throws where anything of it is not
   */
  async exchange(
    parameters: URLSearchParams,
    { state, verifier, nonce }: Secrets,
    callback: string,
  ): Promise<Granted> {
    const answered = oauth.validateAuthResponse(this.server, this.client, parameters, state);
    const { response } = await this.asking(
      async (way) =>
        await oauth.authorizationCodeGrantRequest(
          ...[this.server, this.client, way, answered, callback, verifier],
          this.options,
        ),
    );
    const issuer = this.provider.issuerOf(this.server.issuer, await unverifiedClaims(response));
    const server = { ...this.server, issuer };
    const tokens = await oauth.processAuthorizationCodeResponse(server, this.client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, response, this.options);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    if (!claims) throw new Error("The provider gave no ID token.");
    const all = { ...(await this.userInfo(server, claims, tokens.access_token)), ...claims };
    return { issuer, claims: all, ...this.grantedBy(tokens) };
  }

  /** What an ID token may leave to be asked for (OpenID Connect Core, 5.4): the address, and whose it is. */
  private async userInfo(
    server: oauth.AuthorizationServer,
    claims: oauth.IDToken,
    accessToken: string,
  ): Promise<Claims> {
    if (claims["email"] !== undefined || server.userinfo_endpoint === undefined) return {};
    const response = await oauth.userInfoRequest(server, this.client, accessToken, this.options);
    return await oauth.processUserInfoResponse(server, this.client, claims.sub, response);
  }

  /** @throws; `isDeadGrant` tells whether the person must connect it again */
  async refresh(refreshToken: string): Promise<Omit<Granted, "claims" | "issuer">> {
    const { response } = await this.asking(
      async (way) =>
        await oauth.refreshTokenGrantRequest(
          ...[this.server, this.client, way, refreshToken],
          this.options,
        ),
    );
    // An ID token that comes along says nothing that is not known.
    const { id_token: _idToken, ...body } = (await response.json()) as Record<string, unknown>;
    // Some say what is wrong with the status of a success.
    if (typeof body["error"] === "string") throw new RefusedGrant(body["error"]);
    const { status, headers } = response;
    const without = new Response(JSON.stringify(body), { status, headers });
    const tokens = await oauth.processRefreshTokenResponse(this.server, this.client, without);
    return this.grantedBy(tokens);
  }

  /** Takes a grant back (RFC 7009); false where the provider has no such endpoint. */
  async revoke(token: string): Promise<boolean> {
    if (this.server.revocation_endpoint === undefined) return false;
    const { response } = await this.asking(
      async (way) =>
        await oauth.revocationRequest(this.server, this.client, way, token, this.options),
    );
    await oauth.processRevocationResponse(response);
    return true;
  }

  private scopesFor(purpose: Purpose): readonly string[] {
    const scopes = this.provider.scopes[purpose];
    const offline = "offline_access";
    const isOffered = this.server.scopes_supported?.includes(offline) ?? false;
    const isWanted = purpose === "connect" && isOffered && !scopes.includes(offline);
    return isWanted ? [...scopes, offline] : scopes;
  }

  private grantedBy(tokens: oauth.TokenEndpointResponse): Omit<Granted, "claims" | "issuer"> {
    return {
      accessToken: tokens.access_token,
      expiresInSeconds: tokens.expires_in,
      refreshToken: tokens.refresh_token,
      scopes: tokens.scope?.split(" ").filter(Boolean) ?? [],
    };
  }

  /**
   * The client's secret as the provider documents that it wants it. Of another that stands in its place
   * no document tells by which way it knows this client: one that does not know it by the first, which
   * it says before it looks at anything else, is asked by the second.
   */
  private async asking(
    ask: (way: oauth.ClientAuth) => Promise<Response>,
  ): Promise<{ response: Response }> {
    const { clientSecret } = this.configured;
    const ways = {
      basic: oauth.ClientSecretBasic(clientSecret),
      post: oauth.ClientSecretPost(clientSecret),
    };
    const host = new URL(this.configured.issuer).origin;
    if (host === new URL(this.provider.issuer).origin) {
      return { response: await ask(ways[this.provider.secretIn]) };
    }
    const first = await ask(ways.basic);
    const isUnknown = first.status === 401 || (await oauthErrorOf(first)) === "invalid_client";
    return { response: isUnknown ? await ask(ways.post) : first };
  }
}

/** What `invalid_grant` says (RFC 6749, 5.2): no further try will help, only the person. */
export function isDeadGrant(error: unknown): boolean {
  return error instanceof RefusedGrant && error.code === "invalid_grant";
}

/** A provider's `error` in answer to a refresh token. */
class RefusedGrant extends Error {
  constructor(readonly code: string) {
    super("The provider refuses the refresh token.");
    this.name = "RefusedGrant";
  }
}

/** In a word, for who looks after it: no token stands in it. */
export function failureCode(error: unknown): string {
  if (error instanceof RefusedGrant) return error.code.slice(0, 100).toWellFormed();
  if (error instanceof oauth.ResponseBodyError) return error.error.slice(0, 100);
  if (error instanceof oauth.AuthorizationResponseError) return error.error.slice(0, 100);
  if (error instanceof oauth.OperationProcessingError) return error.code ?? error.name;
  return error instanceof Error ? error.name : "unknown";
}

function optionsFor({ issuer }: Configured): OAuthClient["options"] {
  return {
    [oauth.customFetch]: boundedFetch,
    [oauth.allowInsecureRequests]: isLoopback(new URL(issuer).hostname),
  };
}

/** Of a discovery document what is used, so that a row has room for it. */
function kept(server: oauth.AuthorizationServer): oauth.AuthorizationServer {
  const names = [
    ...["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"],
    "userinfo_endpoint",
    ...["authorization_response_iss_parameter_supported", "scopes_supported"],
    "id_token_signing_alg_values_supported",
  ];
  const used = names.map((name) => [name, server[name]]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(used) as oauth.AuthorizationServer;
}

/** Only to see which tenant's they say they are: whether that is so is verified afterwards. */
async function unverifiedClaims(response: Response): Promise<Claims> {
  try {
    const { id_token } = (await response.clone().json()) as { id_token?: unknown };
    const [, payload = ""] = typeof id_token === "string" ? id_token.split(".") : [];
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return typeof claims === "object" && claims !== null ? (claims as Claims) : {};
  } catch {
    return {};
  }
}

async function oauthErrorOf(response: Response): Promise<unknown> {
  if (response.ok) return undefined;
  try {
    return ((await response.clone().json()) as { error?: unknown }).error;
  } catch {
    return undefined;
  }
}
