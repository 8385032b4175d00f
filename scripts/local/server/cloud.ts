/**
 * The Convex client API: what `ConvexHttpClient` calls. Live queries (the WebSocket at
 * `/api/<version>/sync`) come later and belong beside this file.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JSONValue } from "convex/values";
import type { FunctionKind } from "../runtime/modules";
import { canonicalName } from "../runtime/names";
import { publicError } from "../runtime/errors";
import type { Host } from "../runtime/host";
import type { RequestInfo } from "../runtime/call";
import type { AdminKey } from "./adminKey";
import { readBody, TooLarge } from "./body";
import { requestInfo } from "./caller";
import type { Handler } from "./listen";
import { serveStorage, STORAGE_PATH } from "./storage";

export type CloudOptions = { host: Host; adminKey: AdminKey; trustProxy: boolean };

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
    text(response, known === undefined ? 404 : 200, known ?? "");
  } else if (request.method === "POST") {
    await callFunction(options, kind, request, response);
  } else {
    response.setHeader("Allow", "POST");
    text(response, 405, "Method Not Allowed");
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
  const { host } = options;
  const info = requestInfo(request, options.trustProxy);
  let body: FunctionCallBody;
  try {
    body = parseCall((await readBody(request, MAX_BODY)).toString("utf8"));
  } catch (error) {
    const tooLarge = error instanceof TooLarge;
    const message = error instanceof BadRequest || tooLarge ? error.message : "cannot be read";
    json(response, tooLarge ? 413 : 400, badRequest(message));
    return;
  }
  const authorization = request.headers.authorization;
  const isAdmin = authorization?.startsWith("Convex ") === true;
  if (isAdmin && !options.adminKey.matches(authorization.slice("Convex ".length))) {
    json(
      response,
      401,
      JSON.stringify({
        code: "BadAdminKey",
        message: "The provided admin key was invalid for this instance",
      }),
    );
    return;
  }
  try {
    const visibility = isAdmin ? "all" : "public";
    const value = await host.run(kind, canonicalName(body.path), body.args, info, visibility);
    json(response, 200, `{"status":"success","value":${value},"logLines":[]}`);
  } catch (error) {
    json(response, FUNCTION_FAILED, failure(error, info));
  }
}

function failure(error: unknown, info: RequestInfo): string {
  const { message, data } = publicError(error, info.requestId);
  return JSON.stringify({ status: "error", errorMessage: message, errorData: data, logLines: [] });
}

type FunctionCallBody = { path: string; args: JSONValue };

class BadRequest extends Error {}

function parseCall(bodyText: string): FunctionCallBody {
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch {
    throw new BadRequest("The request body is not JSON");
  }
  if (typeof body !== "object" || body === null || !("path" in body)) {
    throw new BadRequest("The request body needs `path`");
  }
  const { path } = body;
  if (typeof path !== "string") throw new BadRequest("`path` must be a string");
  // One object, bare or as the only entry of an array.
  const given: unknown = "args" in body ? body.args : {};
  const args: unknown = Array.isArray(given) ? (given.length === 0 ? {} : given[0]) : given;
  if (typeof args !== "object" || args === null || Array.isArray(args)) {
    throw new BadRequest("`args` must be an object, or an array of one object");
  }
  return { path, args: args as JSONValue };
}

function badRequest(message: string): string {
  return JSON.stringify({ code: "BadRequest", message });
}

function json(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "application/json");
}

function text(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "text/plain; charset=utf-8");
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": type, "Content-Length": bytes.length });
  response.end(response.req.method === "HEAD" ? undefined : bytes);
}
