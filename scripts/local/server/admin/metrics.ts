/** `GET /metrics` for Prometheus, which gives the admin key as `authorization: { type: Convex, … }`. */
import type { AdminContext, AdminRoute } from "./context";

export const metricsRoutes: AdminRoute[] = [
  { method: "GET", path: /^\/metrics$/, handle: showMetrics },
];

async function showMetrics({ metrics, response }: AdminContext): Promise<void> {
  const body = Buffer.from(await metrics.print());
  response.writeHead(200, { "Content-Type": metrics.contentType, "Content-Length": body.length });
  response.end(body);
}
