import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { internal } from "../../_generated/api";
import { USE_NOTED_EVERY_MS } from "../../accounts/sessionTimes";
import type { Metering } from "../askers";
import { bodyFields } from "../bodyFields";
import type { WriteCall, WriteReply } from "../calls";
import type { CallerCredential } from "../caller";
import { rehearsedReply } from "../dryRun";
import { ApiError, errorDataOf, invalid } from "../errors";
import type { RequestInput } from "../input";
import type { ConsultationArgs } from "../outside";
import type { Reply } from "../reply";
import { sha256Hex } from "../tokens";
import { unauthorized } from "../unauthorized";
import { answer, failure } from "./answer";
import { NothingWritable, retryConflicts } from "./conflicts";
import type { HttpContext } from "./context";
import { readCredential } from "./credential";
import { sendFile } from "./file";
import { finish } from "./finishes";
import { goOn } from "./goOn";
import { siteOrigin } from "./origin";
import type { EndpointRoute } from "./route";
import { requireOriginToSetCookie, writeCookie } from "./sessionCookie";
import { streamAnswer } from "./stream";
import { stageBody } from "./upload";

/**
 * One request, one call of the endpoint's function. A read is counted beside its query; a refusal is
 * counted after the refused transaction rolled back.
 */
export async function serve(c: HttpContext, endpoint: EndpointRoute): Promise<Response> {
  let credential: CallerCredential | null = null;
  try {
    credential = await readCredential(c, endpoint);
    const request = await readRequest(c, endpoint);
    if (givesCookie(endpoint, request)) requireOriginToSetCookie(c);
    if (endpoint.kind === "query") return await serveRead(c, endpoint, credential, request);
    const reply = await finished(c, endpoint, await write(c, endpoint, credential, request));
    if (reply.cookie && !reply.dryRun) writeCookie(c, reply.cookie);
    return answer(c, reply, endpoint.literal ?? false);
  } catch (error) {
    return failure(c, await metered(c, endpoint, credential, error));
  }
}

function givesCookie({ setsCookie }: EndpointRoute, { body }: RequestInput): boolean {
  if (setsCookie === undefined || body === null) return false;
  return setsCookie === "always" || bodyFields({ body }).cookie === true;
}

async function serveRead(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential,
  request: RequestInput,
): Promise<Response> {
  const query = makeFunctionReference<
    "query",
    { credential: CallerCredential; request: RequestInput },
    Reply
  >(endpoint.functionName);
  const ask = async (asked: RequestInput): Promise<Reply> => {
    const reply = await c.env.runQuery(query, { credential, request: asked });
    countRead(c, reply.documentsRead);
    return reply;
  };
  const counted = credential.kind === "access_token" ? readThenCount : read;
  const reply = await counted(c, endpoint, credential, ask(request));
  if (endpoint.sendsFile) return await sendFile(c, reply);
  if (endpoint.streams) return await streamAnswer(c, request, reply, ask);
  const whole = endpoint.goesOn ? await goOn(request, reply, ask) : reply;
  return answer(c, await finished(c, endpoint, whole), endpoint.literal ?? false);
}

async function finished(c: HttpContext, { finishes }: EndpointRoute, reply: Reply): Promise<Reply> {
  if (!finishes) return reply;
  const moment = { now: Date.now(), origin: siteOrigin(c) };
  return { ...reply, data: JSON.stringify(await finish(finishes, JSON.parse(reply.data), moment)) };
}

async function read(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential,
  asked: Promise<Reply>,
): Promise<Reply> {
  const [metering, result] = await Promise.allSettled([meter(c, endpoint, credential), asked]);
  if (metering.status === "rejected") {
    // The query has authorized the caller itself: where nothing can be counted, it is still answered.
    if (!(metering.reason instanceof NothingWritable)) throw metering.reason;
  } else if (!metering.value.authorized) throw unauthorized(credential.kind);
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

/**
 * As `read`, one after the other: of who comes with an access token more is read than of a key, so what
 * the query has found of them is not read once more to count them. Where more is due than to count them
 * (their session is used, their device has pulled), or they are no longer known, both are as ever.
 */
async function readThenCount(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential,
  asked: Promise<Reply>,
): Promise<Reply> {
  const { askedBy } = await asked;
  const { caller, organizationId, expiresAt = Infinity, lastUsedAt = 0 } = askedBy ?? {};
  const now = Date.now();
  const isUseNoted = now - lastUsedAt < USE_NOTED_EVERY_MS;
  const isKnown = isUseNoted && expiresAt > now && !endpoint.notesPull;
  if (!isKnown || caller === undefined || organizationId === undefined) {
    return await read(c, endpoint, credential, asked);
  }
  try {
    const known = { caller, organizationId };
    await counting(c, () => c.env.runMutation(internal.kit.metering.meterStaff, known));
  } catch (error) {
    if (!(error instanceof NothingWritable)) throw error;
  }
  return await asked;
}

async function write(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential,
  request: RequestInput,
): Promise<Reply> {
  const mutation = makeFunctionReference<
    "mutation",
    { call: WriteCall; request: RequestInput },
    WriteReply
  >(endpoint.functionName);
  const dryRun = takeDryRun(request, endpoint);
  const body = endpoint.raw ? await stageBody(c, endpoint, endpoint.raw, credential) : null;
  const isCounted = await countFirst(c, endpoint, credential);
  const consulted = await consult(c, endpoint, credential, request);
  const call = {
    ...(await writeCall(c, endpoint, credential, body?.digest ?? request.body, dryRun)),
    ...(body ? { upload: body.upload } : {}),
    ...(consulted === null ? {} : { consulted }),
    ...(isCounted ? { isCounted } : {}),
  };
  let done: WriteReply;
  try {
    done = await retryConflicts(() => c.env.runMutation(mutation, { call, request }));
  } catch (error) {
    const rehearsed = rehearsedReply(error);
    if (!rehearsed) throw error;
    // The count of this request was rolled back with the rest of it, unless it was counted before.
    if (!c.get("metering")) await meter(c, endpoint, credential);
    return { ...rehearsed, dryRun };
  }
  const { reply, replayed, metering } = done;
  if (metering) c.set("metering", metering);
  countRead(c, reply.documentsRead);
  if (reply.refusal) throw new ConvexError(reply.refusal);
  if (replayed) c.header("Idempotency-Replayed", "true");
  return { ...reply, dryRun };
}

/**
 * What is asked before the transaction costs something, here or at somebody else's: a hash, a call of a
 * provider. Who has no request left does not come to that. @throws RATE_LIMITED; UNAUTHORIZED
 */
async function countFirst(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential,
): Promise<boolean> {
  if (!endpoint.consults) return false;
  const { authorized } = await meter(c, endpoint, credential);
  if (!authorized) throw unauthorized(credential.kind);
  return true;
}

async function consult(
  c: HttpContext,
  { consults, callers, scope }: EndpointRoute,
  credential: CallerCredential,
  request: RequestInput,
): Promise<string | null> {
  if (!consults) return null;
  const action = makeFunctionReference<"action", ConsultationArgs, string>(consults);
  const door = {
    ...(scope === null ? {} : { scope }),
    ...(callers ? { callers: [...callers] } : {}),
  };
  return await c.env.runAction(action, { credential, request, ...door });
}

/** Counts a refused request, unless it was refused for its count or has been counted before. */
async function metered(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential | null,
  error: unknown,
): Promise<unknown> {
  if (c.get("metering") || errorDataOf(error)?.code === "RATE_LIMITED") return error;
  try {
    const { authorized } = await meter(c, endpoint, credential);
    if (authorized) return error;
    // A stranger learns nothing of what else is wrong with the request, unless it is our own fault
    // that we do not know them.
    if (credential !== null) return unauthorized(credential.kind);
    return isToldToStrangers(errorDataOf(error)?.code) ? error : unauthorized("unreadable");
  } catch (refusal) {
    return errorDataOf(refusal) ? refusal : error;
  }
}

function isToldToStrangers(code: string | undefined): boolean {
  return code === "UNAUTHORIZED" || code === "SERVICE_UNAVAILABLE" || code === "CSRF_REJECTED";
}

async function meter(
  c: HttpContext,
  endpoint: EndpointRoute,
  credential: CallerCredential | null,
): Promise<{ authorized: boolean }> {
  const { ip } = await c.env.meta.getRequestMetadata();
  const { triesTokens = false, notesPull: isPull = false } = endpoint;
  const { isPersonal = false, isPublic = false } = endpoint;
  const request = { credential, ip, triesTokens, isPull, isPersonal, isPublic };
  return await counting(c, () => c.env.runMutation(internal.kit.metering.meter, request));
}

async function counting<Counted extends Metering & { documentsRead: number }>(
  c: HttpContext,
  count: () => Promise<Counted>,
): Promise<Counted> {
  const metering = await retryConflicts(count);
  c.set("metering", metering);
  countRead(c, metering.documentsRead);
  return metering;
}

function countRead(c: HttpContext, documentsRead = 0): void {
  c.set("documentsRead", (c.get("documentsRead") ?? 0) + documentsRead);
}

async function readRequest(c: HttpContext, endpoint: EndpointRoute): Promise<RequestInput> {
  return {
    params: Object.entries(c.req.param() as Record<string, string>),
    query: c.req.url.includes("?") ? [...new URL(c.req.url).searchParams] : [],
    body: endpoint.takesBody ? await readBody(c) : await readNothing(c, endpoint),
  };
}

/** What nobody reads is refused, so that nobody takes it for heeded; `{}` says nothing. */
async function readNothing(c: HttpContext, { raw }: EndpointRoute): Promise<null> {
  if (raw || c.req.raw.body === null) return null;
  const said = (await c.req.text()).trim();
  if (said === "" || /^\{\s*\}$/.test(said)) return null;
  throw invalid([{ path: "body", message: "is not taken here: send none" }]);
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
  { takesSecret }: EndpointRoute,
  credential: CallerCredential,
  body: string | null,
  dryRun: boolean,
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
    ...(dryRun ? { dryRun } : {}),
    // A rehearsal leaves nothing behind, so there is nothing to replay either.
    ...(key === undefined || c.req.method === "DELETE" || takesSecret || dryRun
      ? {}
      : { idempotency: { key: checkedKey(key), fingerprint: fingerprintOf(c, body) } }),
  };
}

function checkedKey(key: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return key;
  const message = "must have 1 to 255 printable ASCII characters";
  throw invalid([{ path: "headers.Idempotency-Key", message }]);
}

function fingerprintOf(c: HttpContext, body: string | null): string {
  const { pathname, search } = new URL(c.req.url);
  return sha256Hex(JSON.stringify([c.req.method, pathname + search, body]));
}

/** `?dryRun=` of a write, taken out of what the endpoint's own schema judges. */
function takeDryRun(request: RequestInput, { takesSecret }: EndpointRoute): boolean {
  const given = request.query.filter(([name]) => name === "dryRun").map(([, value]) => value);
  // A rehearsal would not count its try.
  if (takesSecret && given.length > 0) {
    throw invalid([{ path: "query.dryRun", message: "is not taken here: nothing is rehearsed" }]);
  }
  if (given.some((value) => value !== "true" && value !== "false") || given.length > 1) {
    throw invalid([{ path: "query.dryRun", message: "must be true or false" }]);
  }
  request.query = request.query.filter(([name]) => name !== "dryRun");
  return given[0] === "true";
}
