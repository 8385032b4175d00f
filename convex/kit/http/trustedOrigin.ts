import { internal } from "../../_generated/api";
import type { HttpContext } from "./context";
import { siteOrigin } from "./origin";

/** Whether pages of this origin may use a session cookie: never any page of the world. */
export async function isTrustedOrigin(c: HttpContext, origin: string): Promise<boolean> {
  if (origin === siteOrigin(c) || operatorsOrigins().includes(origin)) return true;
  return (await c.env.runQuery(internal.kit.http.cors.originPolicy, { origin })).isListed;
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
