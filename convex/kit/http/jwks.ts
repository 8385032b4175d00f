import { internal } from "../../_generated/api";
import { JWKS_PATH } from "../accessTokens";
import { sha256Hex } from "../tokens";
import type { HttpApp } from "./context";
import { isUnchanged } from "./docs";

/**
 * As the keys that sign next are published before they do, whoever keeps these for so many seconds
 * knows every key in time. Where there is none yet, nobody may keep that.
 */
const KEPT_SECONDS = 300;

/** The public keys of access tokens (RFC 7517), for everybody, from whatever origin. */
export function jwksRoutes(app: HttpApp): void {
  app.get(JWKS_PATH, async (c) => {
    const keys = await c.env.runQuery(internal.accounts.signingKeys.published, {});
    const body = JSON.stringify({ keys });
    const etag = `"${sha256Hex(body).slice(0, 32)}"`;
    c.header("Cache-Control", keys.length === 0 ? "no-store" : `public, max-age=${KEPT_SECONDS}`);
    c.header("ETag", etag);
    if (isUnchanged(c, etag)) return c.body(null, 304);
    return c.body(body, 200, { "Content-Type": "application/json; charset=utf-8" });
  });
}
