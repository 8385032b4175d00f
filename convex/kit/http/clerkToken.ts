import { TokenVerificationError, type TokenVerificationErrorReason } from "@clerk/backend/errors";
import { decodeJwt, verifyJwt } from "@clerk/backend/jwt";
import { internal } from "../../_generated/api";
import { CLERK_AUDIENCE, clerkIssuer, isPendingSession } from "../clerk";
import { type Unauthorized, unauthorized } from "../unauthorized";
import { fetchKey } from "./clerkKeySet";
import type { HttpContext } from "./context";

/**
 * What a verified token of Clerk says of its user; nothing of the token itself. Its session token has
 * `sub` alone; who customizes it, or makes a JWT template, adds the others, as docs/tenants.md says.
 */
export type ClerkClaims = {
  subject: string;
  /** As they stand in the token: tenants/users.ts says what is taken of them. */
  name?: string;
  /** Only one that Clerk has verified. */
  email?: string;
};

/** As RFC 7519 has it: three parts in base64url, and none is longer than any token of Clerk. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MAX_LENGTH = 16_384;
const MAX_SUBJECT = 200;

/**
 * The claims of a Clerk token, its signature (RS256, by a key of ours or of Clerk's published set),
 * issuer, times, audience and authorized party verified. A user who calls for the first time is made,
 * in a small transaction of its own: what they ask may be a query.
 * @throws UNAUTHORIZED, which says what is wrong with it; SERVICE_UNAVAILABLE when Clerk's keys are
 *   needed and cannot be had; RATE_LIMITED
 */
export async function readClerkToken(c: HttpContext, token: string): Promise<ClerkClaims> {
  if (token.length > MAX_LENGTH || !JWT.test(token)) throw unauthorized("jwt_malformed");
  const issuer = clerkIssuer();
  const claimed = decoded(token);
  if (issuer === null || claimed.issuer !== issuer) throw unauthorized("jwt_issuer");
  requireForUs(claimed);
  const { kid, claims } = claimed;
  const { subject, email = null } = claims;
  const known = await c.env.runQuery(internal.kit.clerkKeys.look, { issuer, kid, subject, email });
  const pem = process.env.CLERK_JWT_KEY;
  const key = pem ? pem : await publishedKey(c, { issuer, kid, ...known });
  if (key === null) throw unauthorized("jwt_signature");
  await verify(token, key);
  if (!known.isKnown) await c.env.runMutation(internal.tenants.users.admit, claims);
  return claims;
}

async function publishedKey(
  c: HttpContext,
  known: { issuer: string; kid: string; jwk: string | null; fetchedAt: number },
): Promise<JsonWebKey | null> {
  const jwk = known.jwk ?? (await fetchKey(c.env, known));
  return jwk === null ? null : (JSON.parse(jwk) as JsonWebKey);
}

type Claimed = {
  issuer: string;
  kid: string;
  claims: ClerkClaims;
  needsExtension: boolean;
  audience: unknown;
  status: unknown;
};

/** What the token says, before anything of it is believed. @throws UNAUTHORIZED */
function decoded(token: string): Claimed {
  try {
    const { header, payload } = decodeJwt(token);
    const { iss, sub, aud, sts, name, email, email_verified }: Record<string, unknown> = payload;
    if (typeof iss !== "string" || typeof sub !== "string") throw unauthorized("jwt_malformed");
    if (sub === "" || sub.length > MAX_SUBJECT) throw unauthorized("jwt_malformed");
    if (sts !== undefined && typeof sts !== "string") throw unauthorized("jwt_malformed");
    const claims = {
      subject: sub,
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof email === "string" && email_verified === true ? { email } : {}),
    };
    return {
      ...{ issuer: iss.replace(/\/+$/, ""), kid: header.kid, claims },
      ...{ needsExtension: "crit" in header, audience: aud, status: sts },
    };
  } catch {
    // Whatever is wrong with it, it cannot be read.
    throw unauthorized("jwt_malformed");
  }
}

/** Clerk's session token has no audience, and its token for Convex this one; another is for others. */
function requireForUs({ needsExtension, audience, status }: Claimed): void {
  // No extension is understood here, so RFC 7515 (4.1.11) has every token refused that needs one.
  if (needsExtension) throw unauthorized("jwt_extension");
  const isForUs = audience === undefined || [audience].flat().includes(CLERK_AUDIENCE);
  if (!isForUs) throw unauthorized("jwt_audience");
  if (isPendingSession(status)) throw unauthorized("jwt_pending");
}

/** By what the token itself says: its sender can read that as well. */
const REASONS: Partial<Record<TokenVerificationErrorReason, Unauthorized>> = {
  "token-expired": "jwt_expired",
  "token-not-active-yet": "jwt_early",
  "token-iat-in-the-future": "jwt_early",
  "token-invalid-authorized-parties": "jwt_party",
  "token-invalid-signature": "jwt_signature",
  "token-invalid-algorithm": "jwt_signature",
};

/** @throws UNAUTHORIZED */
async function verify(token: string, key: string | JsonWebKey): Promise<void> {
  const authorizedParties = (process.env.CLERK_AUTHORIZED_PARTIES ?? "")
    .split(",")
    .map((party) => party.trim())
    .filter((party) => party !== "");
  try {
    await verifyJwt(token, { key, authorizedParties });
  } catch (error) {
    const reason = error instanceof TokenVerificationError ? REASONS[error.reason] : undefined;
    throw unauthorized(reason ?? "jwt_malformed");
  }
}
