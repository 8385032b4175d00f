import type { Infer } from "convex/values";
import { ApiError } from "../kit/errors";
import { addressProblem } from "../kit/hostName";
import type { oauthProviderName, oauthPurpose } from "../schemas/oauthSchemas";

export type ProviderName = Infer<typeof oauthProviderName>;
export type Purpose = Infer<typeof oauthPurpose>;

/** Claims of an ID token (OpenID Connect Core, 2 and 5.1). */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * What a provider says of an account's address: `proved` is one that it vouches for, `refuted` one of
 * which it says itself that it does not; any other is hearsay, which joins nobody with anybody.
 */
export type ClaimedEmail = { email: string; standing: "proved" | "refuted" | "unproved" };

/** What only this provider knows; all else is the same for every provider of OpenID Connect. */
export type OAuthProvider = {
  name: ProviderName;
  title: string;
  /** Of its variables: `GOOGLE_CLIENT_ID`, `_CLIENT_SECRET`, `_ISSUER`, `_API_URL`. */
  prefix: string;
  issuer: string;
  apiUrl: string;
  /** How it wants to be shown the client's secret, by its documentation. */
  secretIn: "basic" | "post";
  scopes: Readonly<Record<Purpose, readonly string[]>>;
  /** What else it is asked with, to be given a refresh token. */
  connecting: Readonly<Record<string, string>>;
  /** Whether a discovery document that was found under `configured` may name this issuer. */
  mayName(said: string, configured: string): boolean;
  /** The issuer that must have signed a token of these claims, which nobody has verified yet. */
  issuerOf(said: string, claims: Claims): string;
  emailOf(claims: Claims, configured: string): ClaimedEmail | null;
};

export type Configured = {
  clientId: string;
  clientSecret: string;
  issuer: string;
  apiUrl: string;
};

/** @throws SERVICE_UNAVAILABLE naming what is missing, or is no address of a provider's */
export function configurationOf(provider: OAuthProvider): Configured {
  const { prefix, title } = provider;
  const clientId = process.env[`${prefix}_CLIENT_ID`];
  const clientSecret = process.env[`${prefix}_CLIENT_SECRET`];
  if (!clientId || !clientSecret) {
    const message = `Sign-in by ${title} is not set up here: ${prefix}_CLIENT_ID and ${prefix}_CLIENT_SECRET.`;
    throw notSetUp(message);
  }
  const issuer = (process.env[`${prefix}_ISSUER`] || provider.issuer).replace(/\/+$/, "");
  const apiUrl = (process.env[`${prefix}_API_URL`] || provider.apiUrl).replace(/\/+$/, "");
  const problem = problemOf(`${prefix}_ISSUER`, issuer) ?? problemOf(`${prefix}_API_URL`, apiUrl);
  if (problem !== null) throw notSetUp(problem);
  return { clientId, clientSecret, issuer, apiUrl };
}

export function isConfigured(provider: OAuthProvider): boolean {
  return Boolean(
    process.env[`${provider.prefix}_CLIENT_ID`] && process.env[`${provider.prefix}_CLIENT_SECRET`],
  );
}

/** Whether nobody between us and the address can listen: https, or this machine itself. */
export function isPrivateWay(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

/** RFC 8252, 8.3, and the name that RFC 6761 keeps for it. */
export function isLoopback(hostname: string): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/.test(hostname);
}

function problemOf(variable: string, address: string): string | null {
  const problem = addressProblem(variable, address);
  if (problem !== null) return problem;
  return isPrivateWay(new URL(address))
    ? null
    : `${variable} must be https; http is for this machine's own addresses alone.`;
}

function notSetUp(message: string): ApiError {
  return new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 3600 });
}

/** A claim that is text, and not empty. */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
