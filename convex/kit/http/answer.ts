import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Reply } from "../endpoint";
import { ApiError, type ErrorData, errorDataOf, invalid, placedData, under } from "../errors";
import type { RateLimit } from "../limits";
import { entityTag, hasVersion } from "../version";
import { isUnavailable } from "./conflicts";
import type { HttpContext } from "./context";
import { errorAddress } from "./errorsPage";

/**
 * A reply in the one envelope, or as the documented body itself. `reply.data` is JSON text already,
 * and is set in as it is.
 */
export function answer(c: HttpContext, reply: Reply, literal: boolean): Response {
  setRateLimitHeaders(c);
  c.header("Cache-Control", c.req.method === "GET" ? "private, no-cache" : "no-store");
  if (reply.dryRun) c.header("Dry-Run", "true");
  if (reply.version !== undefined) c.header("ETag", entityTag(reply.version));
  if (reply.status === 204) return c.body(null, 204);
  if (reply.version !== undefined && isUnchanged(c, reply.version)) return c.body(null, 304);
  c.header("Content-Type", "application/json; charset=utf-8");
  return c.body(literal ? reply.data : envelope(c, reply), reply.status as ContentfulStatusCode);
}

function isUnchanged(c: HttpContext, version: number): boolean {
  return c.req.method === "GET" && hasVersion(c.req.header("If-None-Match") ?? null, version);
}

function envelope(c: HttpContext, reply: Reply): string {
  const traceId = JSON.stringify(reply.traceId ?? c.get("requestId"));
  const listMeta = reply.meta === undefined ? "" : `,${reply.meta.slice(1, -1)}`;
  const dryRun = reply.dryRun ? ',"dryRun":true' : "";
  return `{"success":true,"data":${reply.data},"error":null,"meta":{"traceId":${traceId}${dryRun}${listMeta}}}`;
}

/** The fields that a rule refuses are those of the request's body. */
const placeOf = under("body");

/** Any failure as an answer; one that is not meant for callers becomes INTERNAL_ERROR, and is logged. */
export function failure(c: HttpContext, error: unknown): Response {
  const refused = errorDataOf(error);
  const data = refused ? placedData(refused, placeOf) : (cutOff(c) ?? unexpected(c, error));
  setRateLimitHeaders(c, refusedLimit(data));
  c.header("Cache-Control", "no-store");
  if (data.retryAfter !== undefined) c.header("Retry-After", String(data.retryAfter));
  if (data.status === 401) c.header("WWW-Authenticate", 'Bearer realm="freehold"');
  const { code, message, details } = data;
  const body = {
    success: false,
    data: null,
    error: { code, message, details, docs: errorAddress(c, code) },
    meta: { traceId: c.get("requestId") },
  };
  return c.json(body, data.status as ContentfulStatusCode);
}

/** What failed because the client went away is no fault of ours; nobody reads the answer, but the log. */
function cutOff(c: HttpContext): ErrorData | null {
  if (!c.req.raw.signal.aborted) return null;
  return invalid([{ path: "body", message: "ended early: the client has gone away" }]).data;
}

function unexpected(c: HttpContext, error: unknown): ErrorData {
  c.set("failure", error instanceof Error ? (error.stack ?? error.message) : String(error));
  if (isUnavailable(error)) {
    const message = "The database cannot answer this at the moment. Try again later.";
    return new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 30 }).data;
  }
  const message = "Something went wrong on our side. Quote the trace id when you ask about it.";
  return new ApiError("INTERNAL_ERROR", message).data;
}

/** The limit that a 429 tells of; its request was counted nowhere else. */
function refusedLimit({ code, details }: ErrorData): RateLimit | undefined {
  return code === "RATE_LIMITED" ? (details as RateLimit) : undefined;
}

/** `RateLimit-*` as of draft-ietf-httpapi-ratelimit-headers-06: `Reset` in seconds. */
export function setRateLimitHeaders(c: HttpContext, refused?: RateLimit): void {
  const rateLimit = refused ?? c.get("metering")?.rateLimit;
  if (!rateLimit) return;
  c.header("RateLimit-Limit", String(rateLimit.limit));
  c.header("RateLimit-Remaining", String(rateLimit.remaining));
  c.header("RateLimit-Reset", String(rateLimit.resetSeconds));
}
