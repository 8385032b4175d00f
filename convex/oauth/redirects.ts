import { invalidIn } from "../kit/errors";
import { corsOrigins } from "../kit/http/trustedOrigin";

const MAX_REDIRECT = 2_000;

/**
 * Where a browser may be sent after a sign-in: this deployment's own pages, those below `APP_URL`, and the
 * origins of `CORS_ORIGINS`. Anywhere else it would carry what only the app may read (RFC 9700, 4.11.2).
 */
export function landing(given: string | undefined, site: string): string {
  const home = process.env.APP_URL || site;
  if (given === undefined || given === "") return home;
  if (given.length > MAX_REDIRECT) {
    throw invalidIn("query", "redirect", `must have at most ${MAX_REDIRECT} characters`);
  }
  const url = URL.canParse(given, home) ? new URL(given, home) : null;
  const isAllowed =
    url !== null && url.username === "" && url.password === "" && mayLandAt(url, site);
  if (isAllowed) return url.href;
  throw invalidIn("query", "redirect", "must be below APP_URL, or of an origin in CORS_ORIGINS");
}

function mayLandAt(url: URL, site: string): boolean {
  const open = [site, ...corsOrigins()].map(originOf);
  return open.includes(url.origin) || isBelow(url, process.env.APP_URL);
}

function isBelow(url: URL, base: string | undefined): boolean {
  if (originOf(base) !== url.origin) return false;
  const folder = new URL(base ?? "").pathname.replace(/\/*$/, "");
  return folder === "" || url.pathname === folder || url.pathname.startsWith(`${folder}/`);
}

function originOf(address: string | undefined): string | null {
  if (address === undefined || !URL.canParse(address)) return null;
  const { protocol, origin } = new URL(address);
  return /^https?:$/.test(protocol) ? origin : null;
}

/** The address with `?error=CODE`, for whoever shows it. */
export function withError(address: string, code: string): string {
  const url = new URL(address);
  url.searchParams.set("error", code);
  return url.href;
}
