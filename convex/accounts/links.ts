/**
 * Where the links of letters about accounts lead: a page that reads the token behind the `#`, which
 * browsers send to no server and no log, and asks for a click. Fetching it does nothing.
 */
export const LINK_ACTIONS = [
  "verify-email",
  "reset-password",
  "magic-link",
  "unlock",
  "change-email",
] as const;
export type LinkAction = (typeof LINK_ACTIONS)[number];

/** Where this deployment has its own page of an action: kit/http/accountPages.ts. */
export function accountPagePath(action: LinkAction): string {
  return `/account/${action}`;
}

/**
 * The address of an action: of the app's own page where `APP_URL` says where the app is
 * (`APP_URL/reset-password#token=…`), else of this deployment's.
 */
export function accountLink(action: LinkAction, token: string): string {
  const app = process.env.APP_URL?.replace(/\/+$/, "");
  const site = (process.env.CONVEX_SITE_URL ?? "").replace(/\/+$/, "");
  const page = app ? `${app}/${action}` : site + accountPagePath(action);
  return `${page}#token=${encodeURIComponent(token)}`;
}

/** The token of such an address. */
export function tokenOfLink(url: string): string {
  const token = new URLSearchParams(/#(.*)$/s.exec(url)?.[1] ?? "").get("token");
  if (!token) throw new Error("A link about an account has no token.");
  return token;
}
