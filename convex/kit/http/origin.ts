import type { HttpContext } from "./context";

/** As the deployment is known outside; a proxy may have sent the request under another name. */
export function siteOrigin(c: HttpContext): string {
  return process.env.CONVEX_SITE_URL ?? new URL(c.req.url).origin;
}
