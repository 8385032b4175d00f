/** The identity providers of `convex/auth.config.ts`, read as Convex reads them. */
import { messageOf, Problem } from "../problem";

export type Algorithm = "RS256" | "ES256" | "EdDSA";
export type Provider = {
  /** With its scheme and without a slash at the end. */
  issuer: string;
  /** One of a token's audiences; null where any will do. */
  applicationId: string | null;
  algorithms: Algorithm[];
  /** Where its keys are; null where OpenID Connect discovery tells. */
  jwks: URL | null;
};

const MAX_PROVIDERS = 100;

/** @throws Problem that names the provider and the field */
export function readProviders(exported: unknown): Provider[] {
  const providers =
    isRecord(exported) && Array.isArray(exported["providers"]) ? exported["providers"] : null;
  if (providers === null) {
    throw new Problem("auth.config: the default export must be an object with `providers`, a list");
  }
  if (providers.length > MAX_PROVIDERS) {
    throw new Problem(`auth.config: at most ${MAX_PROVIDERS} providers`);
  }
  return providers.map((provider: unknown, index) => {
    try {
      return readProvider(provider);
    } catch (error) {
      throw new Problem(`auth.config: providers[${index}]: ${messageOf(error)}`);
    }
  });
}

function readProvider(provider: unknown): Provider {
  if (!isRecord(provider)) throw new Error("must be an object");
  if (provider["type"] === undefined) {
    return {
      issuer: issuerOf(textAt(provider, "domain"), "domain"),
      applicationId: textAt(provider, "applicationID"),
      algorithms: ["RS256", "ES256", "EdDSA"],
      jwks: null,
    };
  }
  if (provider["type"] !== "customJwt") throw new Error('`type` must be "customJwt", or missing');
  const algorithm = provider["algorithm"];
  if (algorithm !== "RS256" && algorithm !== "ES256") {
    throw new Error('`algorithm` must be "RS256" or "ES256"');
  }
  return {
    issuer: issuerOf(textAt(provider, "issuer"), "issuer"),
    applicationId:
      provider["applicationID"] === undefined ? null : textAt(provider, "applicationID"),
    algorithms: [algorithm],
    jwks: urlOf(textAt(provider, "jwks"), "jwks", ["https:", "http:", "data:"]),
  };
}

/** Issuers are compared with and without the slash that providers put at their end or do not. */
function issuerOf(text: string, field: string): string {
  const url = withScheme(text);
  urlOf(url, field, ["https:", "http:"]);
  return url.replace(/\/+$/, "");
}

/** Some providers name themselves without it. */
export function withScheme(issuer: string): string {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(issuer) ? issuer : `https://${issuer}`;
}

function urlOf(text: string, field: string, schemes: string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && schemes.includes(url.protocol)) return url;
  throw new Error(`\`${field}\` must be a URL (${schemes.join(", ")})`);
}

function textAt(provider: Record<string, unknown>, field: string): string {
  const value = provider[field];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`\`${field}\` must be a text that is not empty`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
