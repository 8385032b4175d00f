/** Short answers, sent whole. */
import type { ServerResponse } from "node:http";

export function sendJson(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "application/json");
}

export function sendText(response: ServerResponse, status: number, body: string): void {
  send(response, status, body, "text/plain; charset=utf-8");
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
