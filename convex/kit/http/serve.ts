import { makeFunctionReference } from "convex/server";
import pRetry from "p-retry";
import { internal } from "../../_generated/api";
import type { credentialValidator } from "../caller";
import { unauthorized } from "../caller";
import type { Reply, WriteCall, WriteReply } from "../endpoint";
import { ApiError, errorDataOf, invalid } from "../errors";
import type { RequestInput } from "../input";
import { readToken, sha256Hex } from "../tokens";
import { answer, failure } from "./answer";
import type { HttpContext } from "./context";
import type { MountedEndpoint } from "./mount";

type CallerCredential = typeof credentialValidator.type;

/** Convex has retried a conflicting mutation a few times by itself; it rolled back each time. */
const CONFLICT = /changed while this mutation was being run|OptimisticConcurrencyControl/;
const RETRY_FOR = 10_000;

/**
 * One request, one call of the endpoint's function. A read is counted beside its query; a refusal is
 * counted after the refused transaction rolled back.
 */
export async function serve(c: HttpContext, endpoint: MountedEndpoint): Promise<Response> {
  let credential: CallerCredential | null = null;
  try {
    credential = readCredential(c);
    if (!credential) throw unauthorized();
    const request = await readRequest(c, endpoint);
    const reply =
      endpoint.kind === "query"
        ? await read(c, endpoint, credential, request)
        : await write(c, endpoint, credential, request);
    return answer(c, reply, endpoint.literal ?? false);
  } catch (error) {
    return failure(c, await metered(c, credential, error));
  }
}

async function read(
  c: HttpContext,
  endpoint: MountedEndpoint,
  credential: CallerCredential,
  request: RequestInput,
): Promise<Reply> {
  const query = makeFunctionReference<
    "query",
    { credential: CallerCredential; request: RequestInput },
    Reply
  >(endpoint.functionName);
  const [metering, result] = await Promise.allSettled([
    meter(c, credential),
    c.env.runQuery(query, { credential, request }),
  ]);
  if (metering.status === "rejected") throw metering.reason;
  if (!metering.value.authorized) throw unauthorized();
  if (result.status === "rejected") throw result.reason;
  countRead(c, result.value.documentsRead);
  return result.value;
}

async function write(
  c: HttpContext,
  endpoint: MountedEndpoint,
  credential: CallerCredential,
  request: RequestInput,
): Promise<Reply> {
  const mutation = makeFunctionReference<
    "mutation",
    { call: WriteCall; request: RequestInput },
    WriteReply
  >(endpoint.functionName);
  const call = await writeCall(c, credential, request);
  const { reply, replayed, metering } = await retryConflicts(() =>
    c.env.runMutation(mutation, { call, request }),
  );
  c.set("metering", metering);
  countRead(c, reply.documentsRead);
  if (replayed) c.header("Idempotency-Replayed", "true");
  return reply;
}

/** Counts a refused request, unless it was refused for its count or has been counted as a read. */
async function metered(
  c: HttpContext,
  credential: CallerCredential | null,
  error: unknown,
): Promise<unknown> {
  if (c.get("metering") || errorDataOf(error)?.code === "RATE_LIMITED") return error;
  try {
    const { authorized } = await meter(c, credential);
    // A stranger learns nothing of what else is wrong with the request.
    return authorized ? error : unauthorized();
  } catch (refusal) {
    return errorDataOf(refusal) ? refusal : error;
  }
}

async function meter(
  c: HttpContext,
  credential: CallerCredential | null,
): Promise<{ authorized: boolean }> {
  const { ip } = await c.env.meta.getRequestMetadata();
  const metering = await retryConflicts(() =>
    c.env.runMutation(internal.kit.metering.meter, { credential, ip }),
  );
  c.set("metering", metering);
  countRead(c, metering.documentsRead);
  return metering;
}

function countRead(c: HttpContext, documentsRead = 0): void {
  c.set("documentsRead", (c.get("documentsRead") ?? 0) + documentsRead);
}

async function retryConflicts<Result>(attempt: () => Promise<Result>): Promise<Result> {
  try {
    return await pRetry(attempt, {
      retries: 50,
      minTimeout: 20,
      maxTimeout: 1000,
      factor: 1.5,
      randomize: true,
      maxRetryTime: RETRY_FOR,
      shouldRetry: ({ error }) => isConflict(error),
    });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const message = "Too many requests change the same data at once. Try again shortly.";
    throw new ApiError("SERVICE_UNAVAILABLE", message, { retryAfter: 5 });
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && !errorDataOf(error) && CONFLICT.test(error.message);
}

function readCredential(c: HttpContext): CallerCredential | null {
  const [, token] = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  const credential = token === undefined ? null : readToken(token);
  const tenantId = c.req.header("X-Tenant-Id");
  return credential && { ...credential, ...(tenantId === undefined ? {} : { tenantId }) };
}

async function readRequest(c: HttpContext, endpoint: MountedEndpoint): Promise<RequestInput> {
  return {
    params: Object.entries(c.req.param() as Record<string, string>),
    query: [...new URL(c.req.url).searchParams],
    body: endpoint.body ? await readBody(c) : null,
  };
}

/** The body as text, or null where there is none. @throws UNSUPPORTED_MEDIA_TYPE, INVALID_JSON */
async function readBody(c: HttpContext): Promise<string | null> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0) return null;
  const mediaType = (c.req.header("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (mediaType !== "application/json" && !/^application\/[\w.-]+\+json$/.test(mediaType)) {
    throw new ApiError("UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.", {
      details: { supported: ["application/json"] },
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError("INVALID_JSON", "The body is not UTF-8.");
  }
}

async function writeCall(
  c: HttpContext,
  credential: CallerCredential,
  request: RequestInput,
): Promise<WriteCall> {
  const { ip, userAgent } = await c.env.meta.getRequestMetadata();
  const ifMatch = c.req.header("If-Match");
  const key = c.req.header("Idempotency-Key");
  return {
    credential,
    traceId: c.get("requestId"),
    ip,
    userAgent: userAgent?.slice(0, 500) ?? null,
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(key === undefined || c.req.method === "DELETE"
      ? {}
      : { idempotency: { key: checkedKey(key), fingerprint: fingerprintOf(c, request) } }),
  };
}

function checkedKey(key: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const message = "must have 1 to 255 printable ASCII characters";
  throw invalid([{ path: "headers.Idempotency-Key", message }]);
}

function fingerprintOf(c: HttpContext, request: RequestInput): string {
  const { pathname, search } = new URL(c.req.url);
  return sha256Hex(JSON.stringify([c.req.method, pathname + search, request.body]));
}
