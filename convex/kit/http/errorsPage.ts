import { html } from "hono/html";
import { errorGuide, type GuideEntry } from "../errorGuide";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import { siteOrigin } from "./origin";
import { type Markup, page } from "./page";

const PATH = `${API_PREFIX}/docs/errors`;

/** The page that tells what every error code means and what to do, a section for each. */
export function errorsPageRoute(app: HttpApp): void {
  app.get(PATH, (c) => {
    c.header("Cache-Control", "public, max-age=3600");
    return page(c, "Freehold: error codes", errorsBody());
  });
}

/** The address of a code's section, as every error answer carries it. */
export function errorAddress(c: HttpContext, code: string): string {
  return `${siteOrigin(c)}${PATH}#${code}`;
}

function errorsBody(): Markup {
  return html`<h1>Error codes</h1>
    <p>
      Every refusal has <code>error.code</code>, which does not change,
      <code>error.message</code> for people, <code>error.details</code> where there is more to say,
      and <code>error.docs</code>, the address of its section here. Quote
      <code>meta.traceId</code> when you ask about one.
    </p>
    ${errorGuide.map(section)}`;
}

function section({ code, status, meaning, remedy, family }: GuideEntry): Markup {
  return html`<section id="${code}">
    <h2>${code} <small>${status}</small></h2>
    <p>${inline(meaning)}</p>
    <p>${inline(remedy)}</p>
    ${
      family.length === 0
        ? ""
        : html`<ul>
            ${family.map((member) => html`<li id="${member}"><code>${member}</code></li>`)}
          </ul>`
    }
  </section>`;
}

/** What stands in backticks, as code. */
function inline(text: string): (Markup | string)[] {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}
