/** Who is at the other end of a connection, as functions see it in their request metadata. */
import type { IncomingMessage } from "node:http";
import type { CallerIdentity } from "../identity";
import { newRequestId, type RequestInfo } from "../runtime/call";

/** Headers with which a client could pretend to be someone else. */
export const PROXY_HEADERS: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
]);

export function requestInfo(
  request: IncomingMessage,
  trustProxy: boolean,
  identity: CallerIdentity,
): RequestInfo {
  return {
    requestId: newRequestId(),
    ip: addressOf(request, trustProxy),
    userAgent: request.headers["user-agent"] ?? null,
    scheduledFunctionId: null,
    identity,
  };
}

/** Of the client, as far as its connection or a trusted proxy tells. */
export function addressOf(request: IncomingMessage, trustProxy: boolean): string | null {
  if (trustProxy) {
    // The last entry is what our own proxy saw; those before it are hearsay.
    const last = single(request.headers["x-forwarded-for"])?.split(",").at(-1)?.trim();
    if (last !== undefined && last !== "") return last;
  }
  const address = request.socket.remoteAddress;
  if (address === undefined) return null;
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

/** A name or an address with its port; anything else could change what URL is made of it. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/** RFC 9112, 3.2. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** The URL under which the client called us. */
export function requestUrl(
  request: IncomingMessage,
  trustProxy: boolean,
  fallback: string,
): string {
  const { headers, url = "/" } = request;
  // A request to a proxy names the whole URL.
  const target = url.startsWith("/") ? url : "/" + url.replace(/^[a-z]+:\/\/[^/]*\/?/i, "");
  const forwardedHost = trustProxy ? single(headers["x-forwarded-host"]) : undefined;
  const proto = trustProxy
    ? single(headers["x-forwarded-proto"])?.split(",")[0]?.trim()
    : undefined;
  const host = forwardedHost ?? headers.host;
  if (host === undefined || !isHost(host)) return fallback + target;
  return `${proto === "https" ? "https" : "http"}://${host}${target}`;
}

export function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
