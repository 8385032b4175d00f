import { html } from "hono/html";
import { internal } from "../../_generated/api";
import { ApiError } from "../errors";
import type { MountedWebhook } from "../incomingWebhook";
import { openApiDocument } from "../openapi";
import { failure } from "./answer";
import { API_PREFIX, type HttpApp } from "./context";
import type { MountedEndpoint } from "./mount";

const ASSETS = `${API_PREFIX}/docs/assets`;

/**
 * `/openapi.json`, and Swagger UI at `/docs`. Its files come from the deployment itself, so the page
 * works without internet and no other server's script ever runs beside a pasted API key.
 */
export function docsRoutes(
  app: HttpApp,
  endpoints: readonly MountedEndpoint[],
  webhooks: readonly MountedWebhook[],
): void {
  app.get(`${API_PREFIX}/openapi.json`, (c) => {
    c.header("Cache-Control", "public, max-age=60");
    return c.json(openApiDocument(endpoints, webhooks));
  });

  app.get(`${API_PREFIX}/docs`, (c) => {
    c.header(
      "Content-Security-Policy",
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
    );
    return c.html(PAGE);
  });

  app.get(`${ASSETS}/:name`, async (c) => {
    const name = c.req.param("name");
    if (name === "start.js") {
      return c.body(START, 200, { "Content-Type": "text/javascript; charset=utf-8" });
    }
    const asset = await c.env.runAction(internal.docsAssets.read, { name });
    if (!asset)
      return failure(c, new ApiError("ROUTE_NOT_FOUND", `There is no ${c.req.path} here.`));
    c.header("Cache-Control", "public, max-age=86400");
    return c.body(asset.text, 200, { "Content-Type": asset.contentType });
  });
}

const START = `SwaggerUIBundle({
  url: "${API_PREFIX}/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  docExpansion: "list",
});
`;

const PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Freehold API</title>
      <link rel="stylesheet" href="${ASSETS}/swagger-ui.css" />
      <link rel="icon" href="data:," />
    </head>
    <body>
      <div id="docs"></div>
      <script src="${ASSETS}/swagger-ui-bundle.js"></script>
      <script src="${ASSETS}/start.js"></script>
    </body>
  </html>`;
