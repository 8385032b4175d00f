import { html } from "hono/html";
import { accepts } from "hono/accepts";
import { API_PREFIX, type HttpApp } from "./context";
import { page } from "./page";

/** Where to go from `/`, by the name under which JSON has it. */
const PLACES = {
  docs: [`${API_PREFIX}/docs`, "every route, with a form to try it"],
  openapi: [`${API_PREFIX}/openapi.json`, "the same as OpenAPI 3.1"],
  errors: [`${API_PREFIX}/docs/errors`, "every error code, and what to do about it"],
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
      return page(c, "Freehold", BODY);
    });
  }
}

const LINKS = Object.fromEntries(Object.entries(PLACES).map(([name, [path]]) => [name, path]));

const BODY = html`<h1>Freehold</h1>
  <p>
    The backend of a freelancer's or small agency's business: contacts, projects and invoices over
    REST. It runs; this is where to go.
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
    The data of a server that <code>npm start</code> runs lies in the folder that it named when it
    began (<code>.freehold</code> where nothing else was said), with the API key of the demo in
    <code>demo.json</code>.
  </p>`;
