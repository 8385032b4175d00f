import type { Id } from "../_generated/dataModel";
import type { ApiError, ErrorData } from "./errors";
import type { ListMeta } from "./pageParameters";

/** What a handler answers. */
export type Answer<Data> = {
  status: 200 | 201 | 204;
  data: Data;
  meta?: ListMeta;
  /** The version of the object it shows, for `ETag`. */
  version?: number;
  cookie?: SessionCookie | undefined;
};

/** What becomes of the browser's session cookie: set until then (ms since 1970), or taken away. */
export type SessionCookie = { token: string; expiresAt: number } | "ended";

/**
 * An error whose transaction commits all the same: a wrong password is counted, a token that came twice
 * ends its session. Whatever throws changes nothing.
 */
export type Refusal = { refusal: ErrorData };

export function refused(error: ApiError): Refusal {
  return { refusal: error.data };
}

export function ok<Data>(
  data: Data,
  more: { version?: number; meta?: ListMeta; cookie?: SessionCookie | undefined } = {},
): Answer<Data> {
  return { status: 200, data, ...more };
}

export function created<Data>(
  data: Data,
  more: { version?: number; cookie?: SessionCookie | undefined } = {},
): Answer<Data> {
  return { status: 201, data, ...more };
}

export const noContent: Answer<null> = { status: 204, data: null };

/** By the name that limits have for them, until when they are known, and when their session was noted to be used. */
export type AskedBy = {
  caller: string;
  organizationId?: Id<"organizations">;
  expiresAt?: number;
  lastUsedAt?: number;
};

/** What http.ts gets back. `data` and `meta` are JSON text. */
export type Reply = {
  status: number;
  data: string;
  meta?: string;
  version?: number;
  /** The request that first gave this answer. */
  traceId?: string;
  /** Nothing of it happened. */
  dryRun?: boolean;
  /** It is an error, see `Refusal`. */
  refusal?: ErrorData;
  /** The session cookie that the browser gets with it, or loses. */
  cookie?: SessionCookie;
  /** Who asked, as the query has found; only to count them, see http/serve.ts. */
  askedBy?: AskedBy;
  /** For the log: what Convex bills. */
  documentsRead?: number;
};

/** An answer as it crosses the function boundary. */
export function replyOf({ status, data, meta, version, cookie }: Answer<unknown>): Reply {
  return {
    status,
    data: JSON.stringify(data),
    ...(meta === undefined ? {} : { meta: JSON.stringify(meta) }),
    ...(version === undefined ? {} : { version }),
    ...(cookie === undefined ? {} : { cookie }),
  };
}

/** What is kept or shown of a reply once its secrets must not be. */
export function withoutSecrets(reply: Reply, secrets: readonly string[]): Reply {
  if (secrets.length === 0) return reply;
  const data = JSON.parse(reply.data) as Record<string, unknown>;
  const hidden = Object.fromEntries(secrets.map((field) => [field, null]));
  const meta = { notice: "A secret is shown once. Rotate it if you have not kept it." };
  return { ...reply, data: JSON.stringify({ ...data, ...hidden }), meta: JSON.stringify(meta) };
}
