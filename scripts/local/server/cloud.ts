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
import { BadCredentials } from "./badCredentials";
import { BadRequest, type FunctionCallBody, parseCall } from "./functionCall";
import { jsonProblem } from "./jsonShape";
import type { Handler } from "./listen";
import { serveStorage, STORAGE_PATH } from "./storage";
import { refuseEarly, sendJson, sendRefusal, sendText } from "./reply";

export type CloudOptions = AdminOptions & { maxArgsBytes: number };

/** What a request has beside its arguments. */
const AROUND_ARGUMENTS = 4_096;
/** What Convex answers when the function, and not the request, has failed. */
const FUNCTION_FAILED = 560;

const KINDS: ReadonlyMap<string, FunctionKind> = new Map([
  ["/api/query", "query"],
  ["/api/mutation", "mutation"],
  ["/api/action", "action"],
]);

export function cloudHandler(options: CloudOptions): Handler {
  const badCredentials = new BadCredentials(options.trustProxy);
  return (request, response) => {
    handle(options, badCredentials, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  };
}

async function handle(
  options: CloudOptions,
  badCredentials: BadCredentials,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  allowOrigin(request, response);
  if (request.method === "OPTIONS") {
    response.writeHead(200).end();
    return;
  }
  if (!badCredentials.admits(request, response)) return;
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
    requireJson(request);
    const bytes = await readBody(request, options.maxArgsBytes + AROUND_ARGUMENTS);
    const problem = jsonProblem(bytes);
    if (problem !== null) throw new BadRequest(`The request body ${problem}`);
    body = parseCall(bytes.toString("utf8"));
  } catch (error) {
    refuseBody(request, response, error);
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

class NotJson extends Error {}

/** Also because a page of another origin cannot send it without asking. @throws NotJson */
function requireJson({ headers }: IncomingMessage): void {
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  if (type.trim().toLowerCase() === "application/json") return;
  throw new NotJson("Send the body as Content-Type: application/json");
}

/** Says what is wrong with a body while it may still be coming; what is left of it is not waited for. */
function refuseBody(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (request.socket.destroyed) {
    response.destroy();
    return;
  }
  const refusal = (status: number, code: string, message: string): void => {
    refuseEarly(request, response, status, { code, message });
  };
  if (error instanceof TooLarge) {
    const message = `${error.message}; the operator can allow more with --max-args-mib`;
    refusal(413, "BadRequest", message);
  } else if (error instanceof NotJson) {
    refusal(415, "UnsupportedMediaType", error.message);
  } else {
    refusal(400, "BadRequest", error instanceof BadRequest ? error.message : "cannot be read");
  }
}

function failure(error: unknown, info: RequestInfo): string {
  const { message, data } = publicError(error, info.requestId);
  return JSON.stringify({ status: "error", errorMessage: message, errorData: data, logLines: [] });
}
