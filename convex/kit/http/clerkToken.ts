import { decodeJwt, verifyJwt } from "@clerk/backend/jwt";
import { internal } from "../../_generated/api";
import { CLERK_AUDIENCE, clerkIssuer, isPendingSession } from "../clerk";
import { fetchKey } from "./clerkKeySet";
import type { HttpContext } from "./context";

/**
 * What a verified token of Clerk says of its user; nothing of the token itself. Its session token has
 * `sub` alone; who customizes it, or makes a JWT template, adds the others, as docs/tenants.md says.
 */
export type ClerkClaims = {
  subject: string;
  /** As they stand in the token: tenants/clerkProfile.ts says what is taken of them. */
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
 * issuer, times, audience and authorized party verified; null for any other text. A user who calls for the
 * first time is made, in a small transaction of its own: what they ask may be a query.
 * @throws SERVICE_UNAVAILABLE when Clerk's keys are needed and cannot be had; RATE_LIMITED
 */
export async function readClerkToken(c: HttpContext, token: string): Promise<ClerkClaims | null> {
  const issuer = clerkIssuer();
  if (issuer === null || token.length > MAX_LENGTH || !JWT.test(token)) return null;
  const claimed = decoded(token);
  if (claimed?.issuer !== issuer) return null;
  const { subject, email = null } = claimed.claims;
  const { kid } = claimed;
  const known = await c.env.runQuery(internal.kit.clerkKeys.look, { issuer, kid, subject, email });
  const pem = process.env.CLERK_JWT_KEY;
  const key = pem ? pem : await publishedKey(c, { issuer, kid, ...known });
  if (key === null || !(await isGood(token, key))) return null;
  if (!known.isKnown) await c.env.runMutation(internal.tenants.users.admit, claimed.claims);
  return claimed.claims;
}

async function publishedKey(
  c: HttpContext,
  known: { issuer: string; kid: string; jwk: string | null; fetchedAt: number },
): Promise<JsonWebKey | null> {
  const jwk = known.jwk ?? (await fetchKey(c.env, known));
  return jwk === null ? null : (JSON.parse(jwk) as JsonWebKey);
}

/** What the token says, before anything of it is believed. */
function decoded(token: string): { issuer: string; kid: string; claims: ClerkClaims } | null {
  try {
    const { header, payload } = decodeJwt(token);
    // No extension is understood here, so RFC 7515 (4.1.11) has every token refused that needs one.
    if ("crit" in header) return null;
    const { iss, sub, aud, sts, name, email, email_verified }: Record<string, unknown> = payload;
    if (typeof iss !== "string" || typeof sub !== "string") return null;
    if (sub === "" || sub.length > MAX_SUBJECT) return null;
    if (sts !== undefined && typeof sts !== "string") return null;
    if (!isForUs(aud) || isPendingSession(sts)) return null;
    const claims = {
      subject: sub,
      ...(typeof name === "string" ? { name } : {}),
      ...(typeof email === "string" && email_verified === true ? { email } : {}),
    };
    return { issuer: iss.replace(/\/+$/, ""), kid: header.kid, claims };
  } catch {
    // Whatever is wrong with it, it is no token of Clerk's.
    return null;
  }
}

/** Clerk's session token has no audience, and its token for Convex this one; another is for others. */
function isForUs(audience: unknown): boolean {
  return audience === undefined || [audience].flat().includes(CLERK_AUDIENCE);
}

async function isGood(token: string, key: string | JsonWebKey): Promise<boolean> {
  const authorizedParties = (process.env.CLERK_AUTHORIZED_PARTIES ?? "")
    .split(",")
    .map((party) => party.trim())
    .filter((party) => party !== "");
  try {
    await verifyJwt(token, { key, authorizedParties });
    return true;
  } catch {
    // The reason is for whoever made the token; a caller learns that it is not valid.
    return false;
  }
}
