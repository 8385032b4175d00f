import { getCookie, setCookie } from "hono/cookie";
import type { CookieOptions } from "hono/utils/cookie";
import { internal } from "../../_generated/api";
import { configurationOf, type OAuthProvider, type Purpose } from "../../oauth/provider";
import { providerNamed } from "../../oauth/providers";
import { landing, withError } from "../../oauth/redirects";
import { isSecret, randomSecret } from "../../oauth/secrets";
import type { CallerCredential } from "../caller";
import { ApiError, errorDataOf, invalidIn } from "../errors";
import { failure } from "./answer";
import { readCredential } from "./credential";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import { siteOrigin } from "./origin";
import { writeCookie } from "./sessionCookie";
import { meterStranger } from "./strangers";
import { isTrustedOrigin } from "./trustedOrigin";

const PATH = `${API_PREFIX}/auth/oauth/:provider`;
const COOKIE = "fh_oauth";
/** No provider's answer is longer. */
const MAX_QUERY = 16_384;
/** As long as a sign-in may take, see oauth/states.ts. */
const COOKIE_SECONDS = 600;

/**
 * Sign-in by Microsoft and Google, and connecting accounts there: two addresses that a browser goes to, and
 * is sent on from. What is asked of the provider, and what comes of it, is in convex/oauth/flow.ts.
 */
export function oauthRoutes(app: HttpApp): void {
  app.get(`${PATH}/start`, async (c) => await counted(c, start));
  app.get(`${PATH}/callback`, async (c) => await counted(c, callback));
}

type Serve = (c: HttpContext, provider: OAuthProvider) => Promise<Response>;

/** What is refused before it comes to its own count is counted as a stranger's try. */
async function counted(c: HttpContext, serve: Serve): Promise<Response> {
  try {
    return await serve(c, providerOf(c));
  } catch (error) {
    const code = errorDataOf(error)?.code;
    const isRefused = code !== undefined && code !== "RATE_LIMITED";
    return failure(c, isRefused ? await meterStranger(c, error, { triesTokens: true }) : error);
  }
}

/** Of the door, what tells whom a request that connects is of. */
const A_PERSON: Parameters<typeof readCredential>[1] = {
  ...{ method: "GET", path: "/auth/oauth/:provider/start", functionName: "oauth/flow:start" },
  ...{ kind: "mutation", scope: null, callers: ["user"], isPersonal: true },
};

async function start(c: HttpContext, provider: OAuthProvider): Promise<Response> {
  configurationOf(provider);
  const site = siteOrigin(c);
  const { purpose, redirect: wanted } = asked(c);
  const redirect = landing(wanted, site);
  const credential = purpose === "connect" ? await connecting(c) : null;
  const { ip } = await c.env.meta.getRequestMetadata();
  const browser = browserOf(c, site) ?? randomSecret();
  const left = await c.env.runAction(internal.oauth.flow.start, {
    ...{ provider: provider.name, purpose, redirect, credential, ip, browser },
    callback: callbackOf(site, provider),
  });
  if (left.kind === "refused") return refuse(c, redirect, left);
  setCookie(c, COOKIE, browser, { ...cookieOptions(site), maxAge: COOKIE_SECONDS });
  return goTo(c, left.url);
}

async function callback(c: HttpContext, provider: OAuthProvider): Promise<Response> {
  configurationOf(provider);
  const site = siteOrigin(c);
  const { ip, userAgent } = await c.env.meta.getRequestMetadata();
  const { redirect, outcome } = await c.env.runAction(internal.oauth.flow.callback, {
    provider: provider.name,
    query: new URL(c.req.url).search.slice(0, MAX_QUERY),
    callback: callbackOf(site, provider),
    browser: browserOf(c, site),
    traceId: c.get("requestId"),
    ...{ ip, userAgent: userAgent?.slice(0, 500) ?? null },
  });
  const home = redirect ?? landing(undefined, site);
  switch (outcome.kind) {
    case "refused":
      return refuse(c, home, outcome);
    case "signed_in":
      writeCookie(c, outcome.session);
      return goTo(c, home);
    case "second_factor":
      return goTo(c, withFragment(home, { mfaToken: outcome.mfaToken, mfaRequired: "true" }));
    case "connected":
      return goTo(c, home);
  }
}

/**
 * Who connects an account. A browser's cookie alone would do for whatever page has sent it here: that must
 * be one of the app's, or nobody could tell who wants this. @throws UNAUTHORIZED, CSRF_REJECTED
 */
async function connecting(c: HttpContext): Promise<CallerCredential> {
  const credential = await readCredential(c, A_PERSON);
  if (c.req.header("Authorization") !== undefined) return credential;
  const from = c.req.header("Sec-Fetch-Site") ?? "none";
  const referrer = c.req.header("Referer") ?? "";
  if (from === "none" || from === "same-origin") return credential;
  if (URL.canParse(referrer) && isTrustedOrigin(c, new URL(referrer).origin)) {
    return credential;
  }
  throw new ApiError("CSRF_REJECTED", "An account is connected from a page of the app's alone.");
}

/** @throws VALIDATION_ERROR for a parameter that is unknown, or that is there twice */
function asked(c: HttpContext): { purpose: Purpose; redirect: string | undefined } {
  const parameters = new URL(c.req.url).searchParams;
  for (const name of new Set(parameters.keys())) {
    if (name !== "purpose" && name !== "redirect") {
      throw invalidIn("query", name, "is unknown here: send purpose and redirect");
    }
    if (parameters.getAll(name).length > 1) throw invalidIn("query", name, "must be there once");
  }
  const purpose = parameters.get("purpose") ?? "sign_in";
  if (purpose !== "sign_in" && purpose !== "connect") {
    throw invalidIn("query", "purpose", "must be sign_in or connect");
  }
  return { purpose, redirect: parameters.get("redirect") ?? undefined };
}

/** @throws ROUTE_NOT_FOUND */
function providerOf(c: HttpContext): OAuthProvider {
  const provider = providerNamed(c.req.param("provider") ?? "");
  if (provider) return provider;
  throw new ApiError("ROUTE_NOT_FOUND", "Providers are microsoft and google.");
}

function callbackOf(site: string, { name }: OAuthProvider): string {
  return `${site}${PATH.replace(":provider", name)}/callback`;
}

function browserOf(c: HttpContext, site: string): string | null {
  const secret = isSecure(site) ? getCookie(c, COOKIE, "host") : getCookie(c, COOKIE);
  return secret !== undefined && isSecret(secret) ? secret : null;
}

/** Lax: it comes along when the provider sends the browser back. */
function cookieOptions(site: string): CookieOptions {
  const bound = { path: "/", httpOnly: true, sameSite: "Lax" } as const;
  return isSecure(site) ? { ...bound, secure: true, prefix: "host" } : bound;
}

function isSecure(site: string): boolean {
  return new URL(site).protocol === "https:";
}

function refuse(
  c: HttpContext,
  address: string,
  { code, reason }: { code: string; reason: string },
): Response {
  c.set("failure", `${code}: ${reason}`);
  return goTo(c, withError(address, code));
}

function withFragment(address: string, fragment: Record<string, string>): string {
  const url = new URL(address);
  // After the #, browsers send it to no server and no log.
  url.hash = new URLSearchParams(fragment).toString();
  return url.href;
}

function goTo(c: HttpContext, address: string): Response {
  c.header("Cache-Control", "no-store");
  return c.redirect(address, 302);
}
