import { decodeJwt, decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";
import { internal } from "../../_generated/api";
import {
  ACCESS_TOKEN_ALGORITHM,
  ACCESS_TOKEN_AUDIENCE,
  ACCESS_TOKEN_SECONDS,
  siteIssuer,
} from "../accessTokens";
import { type Unauthorized, unauthorized } from "../unauthorized";
import type { HttpContext } from "./context";

/** What a verified access token says of its bearer; whether the session goes on, its row says. */
export type AccessClaims = { sessionId: string; userId: string };

/** Ours have half of it. */
const MAX_LENGTH = 2048;
/** Clocks of the servers that a deployment may run on. */
const TOLERANCE_SECONDS = 5;
/** An id as Convex makes them. */
const ID = /^[\w;]{1,64}$/;
const KID = /^[\w-]{43}$/;

/**
 * Of a token that names this deployment as its issuer, the claims: its signature (ES256, by the key that
 * it names), type, audience and times verified. Null for a token of another issuer, and for what is none.
 * @throws UNAUTHORIZED, which says what is wrong with it
 */
export async function readAccessToken(c: HttpContext, token: string): Promise<AccessClaims | null> {
  if (!isOurs(token)) return null;
  const { retiredAt, key } = await keyOf(c, token);
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ACCESS_TOKEN_ALGORITHM],
      typ: "JWT",
      issuer: siteIssuer(),
      audience: ACCESS_TOKEN_AUDIENCE,
      requiredClaims: ["sub", "sid", "iat", "exp", "jti"],
      clockTolerance: TOLERANCE_SECONDS,
      maxTokenAge: ACCESS_TOKEN_SECONDS,
    });
    const { sub, sid, iat = Infinity } = payload;
    // Who gets hold of a key that signs no more cannot sign with it either.
    if (retiredAt !== null && iat > retiredAt / 1000 + TOLERANCE_SECONDS) {
      throw unauthorized("access_token_key");
    }
    if (typeof sid !== "string" || !ID.test(sid) || !ID.test(sub ?? "")) {
      throw unauthorized("access_token_form");
    }
    return { sessionId: sid, userId: sub ?? "" };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw unauthorized(reasonOf(error));
  }
}

/** By what it says itself, before anything of it is believed. */
function isOurs(token: string): boolean {
  try {
    return decodeJwt(token).iss === siteIssuer();
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

type Key = { retiredAt: number | null; key: Awaited<ReturnType<typeof importJWK>> };

/**
 * Keys that were looked up lately: the door keeps the published keys no longer than anybody may. Where
 * each request has a memory of its own, as on Convex, there is never one, and the look-up is cached there.
 */
const keptKeys = new Map<string, Key & { until: number }>();
const KEPT_MS = 300_000;
const MAX_KEPT = 50;

/** @throws UNAUTHORIZED for a header that is not one of ours, and a key that there is not */
async function keyOf(c: HttpContext, token: string): Promise<Key> {
  const kid = kidOf(token);
  const name = `${siteIssuer()} ${kid}`;
  const kept = keptKeys.get(name);
  if (kept && kept.until > Date.now()) return kept;
  const found = await c.env.runQuery(internal.accounts.signingKeys.look, { kid });
  c.set("documentsRead", (c.get("documentsRead") ?? 0) + 1);
  if (!found) throw unauthorized("access_token_key");
  const { retiredAt, publicJwk } = found;
  const key = await importJWK(publicJwk, ACCESS_TOKEN_ALGORITHM);
  const until = Date.now() + KEPT_MS;
  if (keptKeys.size >= MAX_KEPT) keptKeys.clear();
  // One that signs may retire at any time; that matters to what it signs after that alone.
  keptKeys.set(name, { retiredAt, key, until });
  return { retiredAt, key };
}

function kidOf(token: string): string {
  if (token.length > MAX_LENGTH) throw unauthorized("access_token_form");
  const { alg, kid, crit } = headerOf(token);
  if (crit !== undefined) throw unauthorized("jwt_extension");
  if (alg !== ACCESS_TOKEN_ALGORITHM) throw unauthorized("access_token_algorithm");
  if (kid === undefined || !KID.test(kid)) throw unauthorized("access_token_form");
  return kid;
}

function headerOf(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token);
  } catch {
    // Whatever is wrong with it, it cannot be read.
    throw unauthorized("access_token_form");
  }
}

function reasonOf(error: errors.JOSEError): Unauthorized {
  if (error instanceof errors.JWTExpired) return "access_token_expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "access_token_signature";
  if (!(error instanceof errors.JWTClaimValidationFailed)) return "access_token_form";
  if (error.claim === "aud") return "jwt_audience";
  return error.claim === "iat" || error.claim === "nbf" ? "jwt_early" : "access_token_form";
}
