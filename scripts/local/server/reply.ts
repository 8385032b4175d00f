/** Short answers, sent whole. */
import type { IncomingMessage, ServerResponse } from "node:http";

export function sendJson(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "application/json");
}

export function sendText(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "text/plain; charset=utf-8");
}

/** So long a client that still sends gets to read its refusal. */
const LINGER_MS = 1_000;

/**
 * Refuses a request whose body may still be coming. The answer is there at once, and ends when the body
 * has come, or a second later: a connection that is closed with unread bytes in it is reset, and its
 * client may never see the answer.
 */
export function refuseEarly(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  refusal: { code: string; message: string },
): void {
  const bytes = Buffer.from(JSON.stringify(refusal));
  if (!request.complete) response.setHeader("Connection", "close");
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": bytes.length,
  });
  response.write(bytes);
  request.resume();
  if (request.complete) {
    response.end();
    return;
  }
  const timer = setTimeout(end, LINGER_MS).unref();
  request.once("end", end).once("close", end);
  function end(): void {
    clearTimeout(timer);
    response.end();
  }
}

/** In Convex's form for a request that is refused. */
export function sendRefusal(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
): void {
  sendJson(response, status, JSON.stringify({ code, message }));
}

function send(response: ServerResponse, status: number, body: string, type: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "Content-Type": type, "Content-Length": bytes.length });
  response.end(response.req.method === "HEAD" ? undefined : bytes);
}
