import type { ListMeta } from "./pageParameters";

/** What a handler answers. */
export type Answer<Data> = {
  status: 200 | 201 | 204;
  data: Data;
  meta?: ListMeta;
  /** The version of the object it shows, for `ETag`. */
  version?: number;
};

export function ok<Data>(
  data: Data,
  more: { version?: number; meta?: ListMeta } = {},
): Answer<Data> {
  return { status: 200, data, ...more };
}

export function created<Data>(data: Data, more: { version?: number } = {}): Answer<Data> {
  return { status: 201, data, ...more };
}

export const noContent: Answer<null> = { status: 204, data: null };

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
  /** For the log: what Convex bills. */
  documentsRead?: number;
};

/** An answer as it crosses the function boundary. */
export function replyOf({ status, data, meta, version }: Answer<unknown>): Reply {
  return {
    status,
    data: JSON.stringify(data),
    ...(meta === undefined ? {} : { meta: JSON.stringify(meta) }),
    ...(version === undefined ? {} : { version }),
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
