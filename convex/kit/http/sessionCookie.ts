import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { ApiError } from "../errors";
import type { SessionCookie } from "../reply";
import type { HttpContext } from "./context";
import { siteOrigin } from "./origin";
import { isTrustedOrigin } from "./trustedOrigin";

/**
 * The one cookie: a browser of staff may have its session in it instead of the header. It has the
 * session token and nothing else; refresh tokens travel in bodies only.
 */
export function cookieToken(c: HttpContext): string | undefined {
  return getCookie(c, nameOf(c));
}

/**
 * What a cookie came with may change something only from an origin that is allowed: browsers send
 * cookies with whatever any page asks them to send. @throws CSRF_REJECTED
 */
export function requireOwnOrigin(c: HttpContext): void {
  if (c.req.method === "GET" || c.req.method === "HEAD") return;
  const origin = c.req.header("Origin");
  const isOwn =
    origin === undefined
      ? c.req.header("Sec-Fetch-Site") === "same-origin"
      : isTrustedOrigin(c, origin);
  if (!isOwn) throw rejected();
}

/**
 * Where a browser would be given a cookie: a foreign page must not sign its reader in as somebody
 * else. A program that is no browser sends no Origin. @throws CSRF_REJECTED
 */
export function requireOriginToSetCookie(c: HttpContext): void {
  const origin = c.req.header("Origin");
  if (origin !== undefined && !isTrustedOrigin(c, origin)) throw rejected();
}

function rejected(): ApiError {
  const message =
    "The request comes from an origin that may not use the session cookie: list it in CORS_ORIGINS, or send Authorization.";
  return new ApiError("CSRF_REJECTED", message);
}

export function writeCookie(c: HttpContext, cookie: SessionCookie): void {
  if (cookie === "ended") deleteCookie(c, nameOf(c), optionsOf(c));
  else {
    const maxAge = Math.max(0, Math.round((cookie.expiresAt - Date.now()) / 1000));
    setCookie(c, nameOf(c), cookie.token, { ...optionsOf(c), maxAge });
  }
}

/** A session that was used has more time: its cookie has, too. */
export function renewCookie(c: HttpContext): void {
  if (c.res.headers.has("Set-Cookie")) return; // it was given, or taken away, by the answer itself
  const expiresAt = c.get("metering")?.rolledTo;
  const token = c.get("isByCookie") ? cookieToken(c) : undefined;
  if (token !== undefined && expiresAt !== undefined) writeCookie(c, { token, expiresAt });
}

/** RFC 6265bis, 4.1.3: a browser takes `__Host-` only over https, for this host and all its paths. */
function nameOf(c: HttpContext): string {
  return isSecure(c) ? "__Host-fh_session" : "fh_session";
}

/** `COOKIE_SAMESITE=none` is for a frontend on another site, which must have https. */
function optionsOf(c: HttpContext): CookieOptions {
  const isForOtherSites = process.env.COOKIE_SAMESITE === "none" && isSecure(c);
  return {
    ...{ path: "/", httpOnly: true, secure: isSecure(c) },
    sameSite: isForOtherSites ? "None" : "Lax",
  };
}

function isSecure(c: HttpContext): boolean {
  return siteOrigin(c).startsWith("https:");
}
