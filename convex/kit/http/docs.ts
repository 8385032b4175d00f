import { accepts } from "hono/accepts";
import { html } from "hono/html";
import { internal } from "../../_generated/api";
import { ApiError } from "../errors";
import { failure } from "./answer";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";

const ASSETS = `${API_PREFIX}/docs/assets`;

/**
 * `/openapi.json`, and Swagger UI at `/docs`. Its files come from the deployment itself, so the page
 * works without internet and no other server's script ever runs beside a pasted API key.
 */
export function docsRoutes(app: HttpApp): void {
  app.get(`${API_PREFIX}/openapi.json`, async (c) => {
    const isGzip = takesGzip(c);
    const { etag, body } = await c.env.runAction(internal.api.description.openApi, { isGzip });
    c.header("Cache-Control", "public, max-age=60");
    c.header("ETag", etag);
    c.header("Vary", "Accept-Encoding", { append: true });
    if (isUnchanged(c, etag)) return c.body(null, 304);
    c.header("Content-Type", "application/json; charset=utf-8");
    if (isGzip) c.header("Content-Encoding", "gzip");
    return c.body(body);
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

/** RFC 9110, 13.1.2: a weak comparison with any of the tags that are named. */
export function isUnchanged(c: HttpContext, etag: string): boolean {
  const known = (c.req.header("If-None-Match") ?? "").split(",").map((tag) => tag.trim());
  return known.some((tag) => tag === "*" || tag.replace(/^W\//, "") === etag);
}

function takesGzip(c: HttpContext): boolean {
  const header = "Accept-Encoding";
  return accepts(c, { header, supports: ["gzip", "identity"], default: "identity" }) === "gzip";
}

/** Swagger UI filters by tag alone; this finds an operation by its method, path and summary. */
const FIND_OPERATIONS = `(groups, phrase) => {
  const words = phrase.toLowerCase().split(/\\s+/);
  return groups
    .map((group) =>
      group.update("operations", (operations) =>
        operations.filter((each) => {
          const texts = [each.get("method"), each.get("path"), each.getIn(["operation", "summary"])];
          const text = [...texts, ...each.getIn(["operation", "tags"])].join(" ").toLowerCase();
          return words.every((word) => text.includes(word));
        }),
      ),
    )
    .filter((group) => group.get("operations").size > 0);
}`;

const START = `SwaggerUIBundle({
  url: "${API_PREFIX}/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  docExpansion: "list",
  filter: true,
  plugins: [() => ({ fn: { opsFilter: ${FIND_OPERATIONS} } })],
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
