/** Finds out who a caller is, from the token of one of the providers in `convex/auth.config.ts`. */
import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { messageOf } from "../problem";
import { customIdentity, identifierOf, oidcIdentity, type UserIdentity } from "./claims";
import { AuthenticationError } from "./error";
import { NO_SITE, type OwnSite, ProviderKeys } from "./keys";
import { type Provider, withScheme } from "./providers";

export { AuthenticationError } from "./error";
export type { UserIdentity } from "./claims";

export type Identity = {
  /** As `ctx.auth.getUserIdentity()` gives it. */
  user: UserIdentity;
  /** The token; null for one that the operator acts as. */
  token: string | null;
  /** Milliseconds. */
  expiresAt: number;
};

/** A caller: known, anonymous (null), or with credentials that were refused (for HTTP actions only). */
export type CallerIdentity = Identity | AuthenticationError | null;

const MAX_TOKEN_LENGTH = 16 * 1_024;
/** How far a provider's clock may be off, in seconds. */
const CLOCK_TOLERANCE = 5;

export class Identities {
  private providers: readonly Provider[];
  private keys = new Map<string, ProviderKeys>();

  constructor(
    providers: readonly Provider[],
    private readonly site: OwnSite = NO_SITE,
  ) {
    this.providers = providers;
  }

  /** From here on tokens of these are taken, and of no others. */
  use(providers: readonly Provider[]): void {
    this.providers = providers;
    this.keys = new Map();
  }

  /** @throws AuthenticationError for every token that is not exactly what a provider gives out */
  async verify(token: string): Promise<Identity> {
    const claimed = unverifiedPayload(token);
    const { provider, issuer } = this.providerOf(claimed);
    const keys = await this.keysOf(provider, issuer).get();
    const payload = await verifiedPayload(provider, async () => {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        algorithms: provider.algorithms,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ["sub", "exp"],
        ...(provider.applicationId === null ? {} : { audience: provider.applicationId }),
      });
      return payload;
    });
    if (payload.sub === "") throw new AuthenticationError("InvalidAuthHeader", "Missing subject");
    const user = provider.jwks === null ? oidcIdentity(payload) : customIdentity(payload);
    return { user, token, expiresAt: (payload.exp ?? 0) * 1_000 };
  }

  /** A token can at worst name the wrong provider here; its signature is checked after that. */
  private providerOf({ iss, aud }: JWTPayload): { provider: Provider; issuer: string } {
    if (typeof iss !== "string") {
      throw new AuthenticationError("InvalidAuthHeader", "Missing issuer in JWT payload");
    }
    const audiences = Array.isArray(aud) ? aud : [aud];
    const provider = this.providers.find(
      ({ issuer, applicationId }) =>
        isIssuer(iss, issuer) && (applicationId === null || audiences.includes(applicationId)),
    );
    if (provider !== undefined) return { provider, issuer: iss };
    throw new AuthenticationError(
      "NoAuthProvider",
      "No auth provider found matching the given token",
    );
  }

  private keysOf(provider: Provider, issuer: string): ProviderKeys {
    const name = `${issuer} ${provider.applicationId ?? ""} ${provider.jwks?.href ?? ""}`;
    let keys = this.keys.get(name);
    if (keys === undefined) {
      this.keys.set(name, (keys = new ProviderKeys(provider, issuer, this.site)));
    }
    return keys;
  }
}

/** Someone whom the operator, with the admin key, acts as. @throws AuthenticationError */
export function actingAs(attributes: unknown): Identity {
  const { subject, issuer } = (attributes ?? {}) as { subject?: unknown; issuer?: unknown };
  if (typeof subject !== "string" || typeof issuer !== "string") {
    throw new AuthenticationError("InvalidAuthHeader", "Acting as a user needs subject and issuer");
  }
  const tokenIdentifier = identifierOf(issuer, subject);
  const user = { ...(attributes as UserIdentity), tokenIdentifier };
  return { user, token: null, expiresAt: Infinity };
}

/** What is said of a token that is none. */
export const NO_TOKEN = new AuthenticationError("InvalidAuthHeader", "Could not parse JWT payload");

/** Whether a text has the three parts of a signed token (RFC 7515, compact serialization). */
export function isTokenShaped(text: string): boolean {
  return text.length <= MAX_TOKEN_LENGTH && text.split(".", 4).length === 3;
}

function unverifiedPayload(token: string): JWTPayload {
  if (!isTokenShaped(token)) throw NO_TOKEN;
  try {
    return decodeJwt(token);
  } catch {
    throw NO_TOKEN;
  }
}

/** In one of the few ways of writing it: each is asked for its keys by its own name, and remembered. */
function isIssuer(claimed: string, issuer: string): boolean {
  const full = withScheme(claimed);
  return full === issuer || full === `${issuer}/`;
}

async function verifiedPayload(
  provider: Provider,
  verify: () => Promise<JWTPayload>,
): Promise<JWTPayload> {
  try {
    return await verify();
  } catch (error) {
    if (error instanceof AuthenticationError) throw error;
    if (error instanceof errors.JWKSTimeout) {
      throw new AuthenticationError("AuthProviderDiscoveryFailed", messageOf(error));
    }
    throw provider.jwks === null
      ? new AuthenticationError("Unauthenticated", `Could not verify token: ${messageOf(error)}`)
      : new AuthenticationError("InvalidAuthHeader", `Could not decode token: ${messageOf(error)}`);
  }
}
