import { decodeJwt, verifyJwt } from "@clerk/backend/jwt";
import * as z from "zod";
import { internal } from "../../_generated/api";
import { CLERK_AUDIENCE, clerkIssuer, isPendingSession } from "../clerk";
import { fetchKey } from "../clerkKeys";
import { emailAddress } from "../email";
import type { HttpContext } from "./context";

/** What a verified token of Clerk says of its user; nothing of the token itself. */
export type ClerkClaims = {
  subject: string;
  name?: string;
  /** Only one that Clerk has verified. */
  email?: string;
};

/** As RFC 7519 has it: three parts in base64url, and none is longer than any token of Clerk. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MAX_LENGTH = 16_384;

/**
 * Clerk's session token has `sub` alone; who customizes it, or makes a JWT template, adds the others
 * under these names, as docs/tenants.md says.
 */
const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(200),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  sts: z.string().optional(),
  name: z.string().trim().min(1).max(200).optional().catch(undefined),
  email: emailAddress.optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
});

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
    const { iss, sub, aud, sts, name, email, email_verified } = claimsSchema.parse(payload);
    if (!isForUs(aud) || isPendingSession(sts)) return null;
    const claims = {
      subject: sub,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined || email_verified !== true ? {} : { email }),
    };
    return { issuer: iss.replace(/\/+$/, ""), kid: header.kid, claims };
  } catch {
    // Whatever is wrong with it, it is no token of Clerk's.
    return null;
  }
}

/** Clerk's session token has no audience, and its token for Convex this one; another is for others. */
function isForUs(audience: string | string[] | undefined): boolean {
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
