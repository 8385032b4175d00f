/** Serves `convex/http.ts`: each request goes to the HTTP action that the app's router names. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Identities } from "../identity";
import type { RequestInfo } from "../runtime/call";
import { FunctionFailure, functionFailure, publicError } from "../runtime/errors";
import type { Host } from "../runtime/host";
import { RunningHttpAction } from "../runtime/httpAction";
import { log } from "../runtime/log";
import { callerOfHttpAction } from "./authorize";
import { requestInfo, requestUrl } from "./caller";
import type { Handler } from "./listen";
import { discardRest, MAX_REQUEST_BODY, webRequest } from "./webRequest";
import { ResponseTooLarge, sendResponse } from "./webResponse";

export type SiteOptions = {
  host: Host;
  identities: Identities;
  trustProxy: boolean;
  siteUrl: string;
};

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

export function siteHandler(options: SiteOptions): Handler {
  return (incoming, out) => {
    handle(options, incoming, out).catch((error: unknown) => {
      log("error", `An answer could not be written: ${String(error)}`);
      out.destroy();
    });
  };
}

async function handle(
  options: SiteOptions,
  incoming: IncomingMessage,
  out: ServerResponse,
): Promise<void> {
  const { host, trustProxy } = options;
  const { method = "GET" } = incoming;
  if (!METHODS.has(method)) {
    out.setHeader("Allow", [...METHODS].join(", "));
    sendText(out, 405, "Method Not Allowed");
    return;
  }
  const url = requestUrl(incoming, trustProxy, options.siteUrl);
  const path = pathOf(url);
  if (path === null) {
    sendText(out, 400, "Bad Request");
    return;
  }
  const route = host.functions.router?.lookup(path, method) ?? null;
  if (route === null) {
    sendText(out, 404, "No matching routes found");
    return;
  }

  const identity = await callerOfHttpAction(incoming.headers.authorization, options.identities);
  const info = requestInfo(incoming, trustProxy, identity);
  // The router's word for the method may be that of another request to the same handler.
  const [action, , pattern] = route;
  const request = webRequest(incoming, url, trustProxy, () => goneSignal(out));
  const running = new RunningHttpAction(host, `${method} ${pattern}`, info, action);
  try {
    await sendResponse(out, await running.answer(request));
  } catch (error) {
    if (isGone(out)) return;
    running.failed(error);
    if (out.headersSent) out.destroy();
    // The app may refuse a large body in its own words; reading one is what Convex does not allow.
    else if (announcedSize(incoming) > MAX_REQUEST_BODY) sendText(out, 413, "Payload Too Large");
    else sendFailure(out, error, info);
  } finally {
    running.end();
    await discardRest(request, incoming);
  }
}

function announcedSize(incoming: IncomingMessage): number {
  return Number(incoming.headers["content-length"] ?? 0);
}

/** Nothing that a URL parser would change. */
const PLAIN_TARGET = /^https?:\/\/([^/]+)((?:\/[\w~-][\w.~-]*)+\/?|\/)(?:\?|$)/;

/** The path as it stands in the URL, without query; null if no URL can be made of it. */
function pathOf(url: string): string | null {
  const [, host = "", path] = PLAIN_TARGET.exec(url) ?? [];
  if (path !== undefined && knownHosts.has(host)) return path;
  try {
    const { pathname, username, password } = new URL(url);
    if (username !== "" || password !== "") return null;
    if (knownHosts.size < 100) knownHosts.add(host);
    return pathname;
  } catch {
    return null;
  }
}

/** Host headers that have been found to make a URL; few, as a server has few names. */
const knownHosts = new Set<string>();

/** Whether there is nobody left to answer. */
function isGone(out: ServerResponse): boolean {
  return out.destroyed && !out.writableFinished;
}

const signals = new WeakMap<ServerResponse, AbortSignal>();

/** Aborted when the client goes before its answer is complete. */
function goneSignal(out: ServerResponse): AbortSignal {
  const known = signals.get(out);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const abort = (): void => {
    if (isGone(out)) controller.abort(new DOMException("The client has gone away", "AbortError"));
  };
  if (out.destroyed) abort();
  else out.once("close", abort);
  signals.set(out, controller.signal);
  return controller.signal;
}

/** In Convex's form for an HTTP action that threw. */
function sendFailure(out: ServerResponse, error: unknown, info: RequestInfo): void {
  for (const name of out.getHeaderNames()) out.removeHeader(name);
  if (error instanceof ResponseTooLarge) {
    sendText(out, 500, error.message);
    return;
  }
  const failure = error instanceof FunctionFailure ? error : functionFailure(error);
  const { message, data } = publicError(failure, info.requestId);
  const body = Buffer.from(JSON.stringify({ code: message, data }));
  out.statusCode = 500;
  out.setHeader("Content-Type", "application/json");
  out.setHeader("Content-Length", body.length);
  out.end(body);
}

function sendText(out: ServerResponse, status: number, body: string): void {
  const bytes = Buffer.from(body);
  out.statusCode = status;
  out.setHeader("Content-Type", "text/plain; charset=utf-8");
  out.setHeader("Content-Length", bytes.length);
  out.end(out.req.method === "HEAD" ? undefined : bytes);
}
