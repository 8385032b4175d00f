import { v } from "convex/values";
import { internal } from "../../_generated/api";
import { internalQuery } from "../../_generated/server";
import { JWKS_PATH } from "../accessTokens";
import type { HttpContext } from "./context";
import { corsOrigins, isTrustedOrigin } from "./trustedOrigin";

const METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const REQUEST_HEADERS = [
  "Content-Type",
  "Authorization",
  "X-Tenant-Id",
  "X-API-Key",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "X-Request-Id",
].join(", ");
const ANSWER_HEADERS = [
  "Content-Disposition",
  "Dry-Run",
  "ETag",
  "Idempotency-Replayed",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "Retry-After",
  "X-Next-Cursor",
  "X-Request-Id",
].join(", ");

/**
 * Where an origin is known from. A preflight carries no credential, so any organization's list will
 * do; whether anyone has set one at all decides between "known origins only" and `*`.
 */
export const originPolicy = internalQuery({
  args: { origin: v.string() },
  returns: v.object({ isListed: v.boolean(), anySet: v.boolean() }),
  handler: async (ctx, { origin }) => {
    const listed = await ctx.db
      .query("organizationOrigins")
      .withIndex("by_origin", (q) => q.eq("origin", origin))
      .first();
    const any = listed ?? (await ctx.db.query("organizationOrigins").first());
    return { isListed: listed !== null, anySet: any !== null };
  },
});

/** Answers a preflight; which origin may go on is said with the headers of every answer. */
export function preflight(c: HttpContext): Response {
  c.header("Access-Control-Allow-Methods", METHODS);
  c.header("Access-Control-Allow-Headers", REQUEST_HEADERS);
  c.header("Access-Control-Max-Age", "86400");
  return c.body(null, 204);
}

/** For an answer to a known caller, that organization's own list counts; else anyone's. */
export async function setCorsHeaders(c: HttpContext): Promise<void> {
  const origin = c.req.header("Origin");
  if (origin === undefined) return;
  const own = c.get("metering")?.allowedOrigins ?? null;
  const allowed = await allowedOrigin(c, origin, own);
  c.header("Vary", "Origin", { append: true });
  c.header("Access-Control-Expose-Headers", ANSWER_HEADERS);
  // What the session cookie has opened, only those may read who may use the cookie.
  if (c.get("isByCookie") && !isTrustedOrigin(c, origin)) return;
  if (allowed === null) return;
  c.header("Access-Control-Allow-Origin", allowed);
  if (allowed !== "*") c.header("Access-Control-Allow-Credentials", "true");
}

/** The origin itself when it is known; `*` (without credentials) where nothing is set; else none. */
async function allowedOrigin(
  c: HttpContext,
  origin: string,
  own: string[] | null,
): Promise<string | null> {
  // Public keys are for everybody.
  if (c.req.path === JWKS_PATH) return "*";
  const configured = corsOrigins();
  if (configured.includes(origin) || own?.includes(origin)) return origin;
  if (own) return configured.length === 0 && own.length === 0 ? "*" : null;
  const policy = await c.env.runQuery(internal.kit.http.cors.originPolicy, { origin });
  if (policy.isListed) return origin;
  return configured.length === 0 && !policy.anySet ? "*" : null;
}
