import type { HttpContext } from "./context";
import { siteOrigin } from "./origin";

/**
 * Whether pages of this origin may use a session cookie: the deployment's own, and those that its
 * operator has listed. What an organization lists (`allowedOrigins`) is not asked: anybody founds one,
 * and the cookie opens all that its owner may do, in every organization.
 */
export function isTrustedOrigin(c: HttpContext, origin: string): boolean {
  return origin === siteOrigin(c) || operatorsOrigins().includes(origin);
}

/** What the operator has listed: `CORS_ORIGINS`, and the origin of `APP_URL`. */
export function operatorsOrigins(): string[] {
  const app = originOf(process.env.APP_URL ?? "");
  return [...corsOrigins(), ...(app === null ? [] : [app])];
}

export function corsOrigins(): string[] {
  return (process.env.CORS_ORIGINS ?? "").split(/[\s,]+/).filter(Boolean);
}

function originOf(address: string): string | null {
  return URL.canParse(address) ? new URL(address).origin : null;
}
