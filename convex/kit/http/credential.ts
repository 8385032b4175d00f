import type { CallerCredential } from "../caller";
import { trustsPortalIds } from "../portalTrust";
import { readToken } from "../tokens";
import { readClerkToken } from "./clerkToken";
import type { HttpContext } from "./context";
import type { EndpointRoute } from "./route";

/** An id as Convex makes them. A JWT, which also is no token of ours, has dots. */
const ID = /^[^.\s]{1,64}$/;

/**
 * The credential of a request: `Authorization: Bearer …`, whose value tells the kind of caller. A
 * portal user's bare id needs an API key beside it in `X-API-Key`.
 */
export async function readCredential(
  c: HttpContext,
  endpoint: EndpointRoute,
): Promise<CallerCredential | null> {
  const authorization = c.req.header("Authorization");
  const tenant = tenantOf(c, endpoint);
  if (authorization === undefined) {
    return endpoint.callers?.includes("unkeyed_portal") && trustsPortalIds()
      ? trusting(c, { kind: "unkeyed_portal", ...tenant })
      : null;
  }
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined) return null;
  const credential = readToken(token);
  // An invite's token says who may come in, not who is calling.
  if (credential?.kind === "invite") return null;
  if (credential) return { ...credential, kind: credential.kind, ...tenant };
  const claims = await readClerkToken(c, token);
  if (claims) return { kind: "clerk", subject: claims.subject, ...tenant };
  if (!ID.test(token)) return null;
  const user = { kind: "portal_user", userId: token, ...tenant } as const;
  const sentKey = c.req.header("X-API-Key");
  if (sentKey === undefined) return trustsPortalIds() ? trusting(c, user) : null;
  const key = readToken(sentKey);
  return key?.kind === "api_key" ? { ...user, keyHash: key.tokenHash } : null;
}

function tenantOf(
  c: HttpContext,
  endpoint: EndpointRoute,
): { tenantId?: string; tenantInPath?: boolean } {
  if (endpoint.isPersonal) return {};
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
