/**
 * What access tokens are, for who signs them (accounts/signingKeys.ts), who takes them
 * (http/accessToken.ts, live.ts) and the host, which verifies them for live queries (auth.config.ts).
 * They are JSON Web Tokens (RFC 7519), signed with ES256 (RFC 7518) by a key of this deployment.
 */
export const ACCESS_TOKEN_AUDIENCE = "convex";
export const ACCESS_TOKEN_ALGORITHM = "ES256";
export const ACCESS_TOKEN_SECONDS = 900;

/** Where the public keys stand, below the site's URL (RFC 7517). */
export const JWKS_PATH = "/.well-known/jwks.json";

/**
 * Who signs: the URL of this deployment's site, without a slash at its end. Both hosts set it; where
 * functions are run by neither (convex-test) a name stands for it that nobody can have (RFC 2606).
 */
export function siteIssuer(): string {
  return (siteUrl() ?? "https://site.invalid").replace(/\/+$/, "");
}

function siteUrl(): string | undefined {
  try {
    return process.env.CONVEX_SITE_URL;
  } catch {
    // While Convex evaluates auth.config.ts, reading a variable that is not set throws.
    return undefined;
  }
}
