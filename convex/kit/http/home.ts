import { html } from "hono/html";
import { accepts } from "hono/accepts";
import { API_PREFIX, type HttpApp } from "./context";

/** Where to go from `/`, by the name under which JSON has it. */
const PLACES = {
  docs: [`${API_PREFIX}/docs`, "every route, with a form to try it"],
  openapi: [`${API_PREFIX}/openapi.json`, "the same as OpenAPI 3.1"],
  health: ["/health/ready", "whether the database answers and takes writes"],
  api: [API_PREFIX, "the API itself: Authorization: Bearer <API key>"],
} as const;

/** `GET /` and `GET /api/v1`: what this is and where to go, as a page for browsers and as JSON for others. */
export function homeRoutes(app: HttpApp): void {
  for (const path of ["/", API_PREFIX]) {
    app.get(path, (c) => {
      c.header("Vary", "Accept", { append: true });
      const wanted = accepts(c, {
        header: "Accept",
        supports: ["application/json", "text/html"],
        default: "application/json",
      });
      if (wanted === "application/json") return c.json({ name: "Freehold", ...LINKS });
      c.header(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      );
      return c.html(PAGE);
    });
  }
}

const LINKS = Object.fromEntries(Object.entries(PLACES).map(([name, [path]]) => [name, path]));

const PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Freehold</title>
      <link rel="icon" href="data:," />
      <style>
        body {
          font:
            1rem/1.5 system-ui,
            sans-serif;
          margin: 10vh auto;
          max-width: 40rem;
          padding: 0 1rem;
        }
        dt {
          margin-top: 1rem;
        }
        dd {
          color: #555;
          margin: 0;
        }
      </style>
    </head>
    <body>
      <h1>Freehold</h1>
      <p>
        The backend of a freelancer's or small agency's business: contacts, projects and invoices
        over REST. It runs; this is where to go.
      </p>
      <dl>
        ${Object.values(PLACES).map(
          ([path, what]) => html`
            <dt><a href="${path}">${path}</a></dt>
            <dd>${what}</dd>
          `,
        )}
      </dl>
      <p>
        The data of a server that <code>npm start</code> runs lies in the folder that it named when
        it began (<code>.freehold</code> where nothing else was said), with the API key of the demo
        in <code>demo.json</code>.
      </p>
    </body>
  </html>`;
