import type { CallerCredential } from "../caller";
import { trustsPortalIds } from "../portalTrust";
import { readToken } from "../tokens";
import { unauthorized } from "../unauthorized";
import { readAccessToken } from "./accessToken";
import { readClerkToken } from "./clerkToken";
import type { HttpContext } from "./context";
import type { EndpointRoute } from "./route";
import { cookieToken, requireOwnOrigin } from "./sessionCookie";

/** An id as Convex makes them. A JWT, which also is no token of ours, has dots. */
const ID = /^[^.\s]{1,64}$/;
/** What the parts of a JWT look like; whether it is one that can be read is seen later. */
const JWT = /^[^.]+\.[^.]+\.[^.]*$/;

/**
 * The credential of a request: `Authorization: Bearer …`, whose value tells the kind of caller. A
 * portal user's bare id needs an API key beside it in `X-API-Key`.
 * @throws UNAUTHORIZED, which says what is wrong with its form; as `readAccessToken` and
 *   `readClerkToken`
 */
export async function readCredential(
  c: HttpContext,
  endpoint: EndpointRoute,
): Promise<CallerCredential> {
  if (endpoint.isPublic) return { kind: "nobody" };
  const authorization = c.req.header("Authorization");
  const sentKey = c.req.header("X-API-Key");
  const tenant = tenantOf(c, endpoint);
  if (authorization === undefined) {
    const cookie = readCookie(c);
    if (cookie) return { ...cookie, ...tenant };
    if (endpoint.callers?.includes("unkeyed_portal") && trustsPortalIds()) {
      return trusting(c, { kind: "unkeyed_portal", ...tenant });
    }
    throw unauthorized(sentKey === undefined ? "missing" : "key_in_other_header");
  }
  const token = bearerOf(authorization);
  const credential = readToken(token);
  if (credential?.kind === "invite") throw unauthorized("invite");
  if (credential?.kind === "refresh") throw unauthorized("refresh");
  if (credential?.kind === "one_time") throw unauthorized("one_time");
  if (credential) return { ...credential, kind: credential.kind, ...tenant };
  if (/^fh_(live|test|session|portal|invite|refresh|once)_/.test(token))
    throw unauthorized("mistyped");
  if (JWT.test(token)) {
    const ours = await readAccessToken(c, token);
    if (ours) return { kind: "access_token", ...ours, ...tenant };
    const { subject } = await readClerkToken(c, token);
    return { kind: "clerk", subject, ...tenant };
  }
  if (!ID.test(token)) throw unauthorized("unreadable");
  const user = { kind: "portal_user", userId: token, ...tenant } as const;
  if (sentKey === undefined) {
    if (trustsPortalIds()) return trusting(c, user);
    throw unauthorized("id_alone");
  }
  const key = readToken(sentKey);
  if (key?.kind !== "api_key") throw unauthorized("no_key_beside_id");
  return { ...user, keyHash: key.tokenHash };
}

/** The session of a browser that sends no header. @throws CSRF_REJECTED; UNAUTHORIZED */
function readCookie(c: HttpContext): { kind: "session"; tokenHash: string } | null {
  const token = cookieToken(c);
  if (token === undefined) return null;
  const credential = readToken(token);
  if (credential?.kind !== "session") throw unauthorized("cookie");
  requireOwnOrigin(c);
  c.set("isByCookie", true);
  return { kind: "session", tokenHash: credential.tokenHash };
}

/** What stands after `Bearer`. @throws UNAUTHORIZED for another header than that and one word */
function bearerOf(authorization: string): string {
  const [, rest] = /^Bearer(?: +(.*))?$/i.exec(authorization.trim()) ?? [];
  const isBearer = /^Bearer\b/i.test(authorization);
  if (!isBearer) {
    const isAlone = !/\s/.test(authorization.trim());
    throw unauthorized(isAlone ? "no_scheme" : "other_scheme");
  }
  if (rest === undefined || /^(|undefined|null)$/.test(rest)) throw unauthorized("empty");
  if (/\s/.test(rest)) throw unauthorized("several");
  return rest;
}

function tenantOf(
  c: HttpContext,
  endpoint: EndpointRoute,
): { tenantId?: string; tenantInPath?: boolean } {
  if (endpoint.tenantInPath) return { tenantId: c.req.param("id") ?? "", tenantInPath: true };
  const sent = c.req.header("X-Tenant-Id");
  return sent === undefined ? {} : { tenantId: sent };
}

/** Whoever reads the log must see that the door stands open. */
function trusting(c: HttpContext, credential: CallerCredential): CallerCredential {
  console.warn(
    JSON.stringify({
      timestamp: new Date().toISOString(),
      level: "WARN",
      message: "PORTAL_TRUST_IDS=true: taken without a secret",
      requestId: c.get("requestId"),
      credential: credential.kind,
    }),
  );
  return credential;
}
