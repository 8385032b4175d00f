/**
 * The Convex client API: what `ConvexHttpClient` calls. Live queries (the WebSocket at
 * `/api/<version>/sync`) are in `../live`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { unavailableOf } from "../database/unavailable";
import type { FunctionKind } from "../runtime/modules";
import { canonicalName } from "../runtime/names";
import { publicError } from "../runtime/errors";
import { AuthenticationError } from "../identity";
import type { RequestInfo } from "../runtime/call";
import { readBody, TooLarge } from "./body";
import { type Authorization, authorize } from "./authorize";
import { requestInfo } from "./caller";
import { adminRequest, type AdminOptions } from "./admin";
import { BadRequest, type FunctionCallBody, parseCall } from "./functionCall";
import type { Handler } from "./listen";
import { serveStorage, STORAGE_PATH } from "./storage";
import { sendJson, sendRefusal, sendText } from "./reply";

export type CloudOptions = AdminOptions;

/** Of a whole request: arguments may be 16 MiB, and escaping makes text longer. */
const MAX_BODY = 32 * 2 ** 20;
/** What Convex answers when the function, and not the request, has failed. */
const FUNCTION_FAILED = 560;

const KINDS: ReadonlyMap<string, FunctionKind> = new Map([
  ["/api/query", "query"],
  ["/api/mutation", "mutation"],
  ["/api/action", "action"],
]);

export function cloudHandler(options: CloudOptions): Handler {
  return (request, response) => {
    handle(options, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  };
}

async function handle(
  options: CloudOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  allowOrigin(request, response);
  if (request.method === "OPTIONS") {
    response.writeHead(200).end();
    return;
  }
  const [path = "/"] = (request.url ?? "/").split("?", 1);
  const kind = KINDS.get(path);
  if (path.startsWith(STORAGE_PATH)) {
    await serveStorage(options.host.files, request, response);
  } else if (kind === undefined) {
    const known = answers(options).get(path);
    const document = options.host.signingKey.wellKnown().get(path);
    if (document !== undefined) sendJson(response, 200, JSON.stringify(document));
    else if (known !== undefined) sendText(response, 200, known);
    else if (!(await adminRequest(options, request, response))) sendText(response, 404, "");
  } else if (request.method === "POST") {
    await callFunction(options, kind, request, response);
  } else {
    response.setHeader("Allow", "POST");
    sendText(response, 405, "Method Not Allowed");
  }
}

/** What clients ask to find out whom they talk to. */
function answers({ host }: CloudOptions): Map<string, string> {
  return new Map([
    ["/", "This Freehold deployment is running."],
    ["/version", "unknown"],
    ["/instance_version", "unknown"],
    ["/instance_name", host.deploymentName],
  ]);
}

/** As Convex does: any origin, with what it asks for. Callers prove themselves by token, not cookie. */
function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Allow-Credentials", "true");
  response.setHeader(
    "Vary",
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  );
  if (request.method !== "OPTIONS") return;
  response.setHeader("Access-Control-Allow-Methods", "GET,POST,OPTIONS,PATCH,DELETE,PUT");
  const asked = request.headers["access-control-request-headers"];
  if (asked !== undefined) response.setHeader("Access-Control-Allow-Headers", asked);
  response.setHeader("Access-Control-Max-Age", "86400");
}

async function callFunction(
  options: CloudOptions,
  kind: FunctionKind,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { host, identities, adminKey, trustProxy } = options;
  let body: FunctionCallBody;
  try {
    body = parseCall((await readBody(request, MAX_BODY)).toString("utf8"));
  } catch (error) {
    const tooLarge = error instanceof TooLarge;
    const message = error instanceof BadRequest || tooLarge ? error.message : "cannot be read";
    sendRefusal(response, tooLarge ? 413 : 400, "BadRequest", message);
    return;
  }
  let caller: Authorization;
  try {
    caller = await authorize(request.headers.authorization, identities, adminKey);
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    sendRefusal(response, error.status, error.code, error.message);
    return;
  }
  const { identity, isAdmin } = caller;
  const info = requestInfo(request, trustProxy, identity);
  try {
    const visibility = isAdmin ? "admin" : "public";
    const value = await host.run(kind, canonicalName(body.path), body.args, info, visibility);
    sendJson(response, 200, `{"status":"success","value":${value},"logLines":[]}`);
  } catch (error) {
    const unavailable = unavailableOf(error);
    if (unavailable !== null) {
      response.setHeader("Retry-After", unavailable.retryAfter);
      sendRefusal(response, 503, unavailable.name, unavailable.message);
    } else sendJson(response, FUNCTION_FAILED, failure(error, info));
  }
}

function failure(error: unknown, info: RequestInfo): string {
  const { message, data } = publicError(error, info.requestId);
  return JSON.stringify({ status: "error", errorMessage: message, errorData: data, logLines: [] });
}
