import { html, raw } from "hono/html";
import { accountPagePath, LINK_ACTIONS, type LinkAction } from "../../accounts/links";
import { ACCOUNT_PAGE_SCRIPT } from "./accountPageScript";
import { PAGE_WORDS, type PageLanguage } from "./accountPageWords";
import { API_PREFIX, type HttpApp, type HttpContext } from "./context";
import type { Markup } from "./page";

/** Where the pages send what they are given. */
const POSTED_TO: Record<LinkAction, string> = {
  "verify-email": "/auth/verify-email",
  "change-email": "/auth/verify-email",
  "reset-password": "/auth/reset-password",
  "magic-link": "/auth/session-exchange",
  unlock: "/auth/unlock",
};

/**
 * The pages that links of letters about accounts open where no app has its own. They read nothing and
 * change nothing here: programs that fetch every link of a letter use none up. What the person says
 * then goes to the API by the page's own script.
 */
export function accountPageRoutes(app: HttpApp): void {
  for (const action of LINK_ACTIONS) {
    app.get(accountPagePath(action), (c) => accountPage(c, action));
  }
  // What POST /auth/session-token answers where no app is set: its path is documented so.
  app.get("/login/session/:token", (c) => accountPage(c, "magic-link"));
}

function accountPage(c: HttpContext, action: LinkAction): Response | Promise<Response> {
  const nonce = newNonce();
  const sources = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const language = languageAsked(c.req.header("Accept-Language"));
  c.header("Content-Security-Policy", sources.join("; "));
  c.header("Cache-Control", "no-store");
  c.header("Referrer-Policy", "no-referrer");
  c.header("X-Robots-Tag", "noindex");
  c.header("Content-Language", language);
  c.header("Vary", "Accept-Language", { append: true });
  return c.html(documentOf(action, language, nonce));
}

function newNonce(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18))));
}

/** RFC 9110, 12.5.4: the language of ours that is wanted most; English where none is. */
export function languageAsked(header: string | undefined): PageLanguage {
  const wanted = (header ?? "").split(",").map((range) => {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = parameters.find((each) => each.startsWith("q="))?.slice("q=".length) ?? "1";
    return { language: tag.split("-")[0], weight: Number(weight) || 0 };
  });
  const weightOf = (language: PageLanguage): number =>
    Math.max(0, ...wanted.filter((each) => each.language === language).map(({ weight }) => weight));
  return weightOf("de") > weightOf("en") ? "de" : "en";
}

const STYLE = `
body { background: #f3f4f6; color: #1f2937; font: 1rem/1.5 system-ui, sans-serif; margin: 0; }
main {
  background: #fff; border-radius: 0.5rem; box-sizing: border-box; margin: 10vh auto 2rem;
  max-width: 28rem; overflow-wrap: anywhere; padding: 2rem; width: calc(100% - 2rem);
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem; }
p { margin: 0 0 1rem; }
label { display: block; font-weight: 600; }
label.check { align-items: center; display: flex; font-weight: 400; gap: 0.5rem; margin: 0 0 1rem; }
input[type="password"], input[type="text"] {
  border: 1px solid #6b7280; border-radius: 0.375rem; box-sizing: border-box; font: inherit;
  margin: 0.25rem 0; padding: 0.625rem 0.75rem; width: 100%;
}
input[type="checkbox"] { height: 1.25rem; margin: 0; width: 1.25rem; }
.hint { color: #4b5563; font-size: 0.875rem; margin: 0 0 1rem; }
button {
  background: #1d4ed8; border: 0; border-radius: 0.375rem; color: #fff; cursor: pointer;
  font: inherit; font-weight: 600; min-height: 2.75rem; padding: 0.5rem 1.25rem; width: 100%;
}
button:disabled { background: #4b5563; cursor: default; }
:focus-visible { outline: 3px solid #1d4ed8; outline-offset: 2px; }
#refused { border-left: 4px solid #b91c1c; color: #991b1b; margin: 0 0 1rem; padding-left: 1rem; }
#refused p { margin: 0; }
#done { border-left: 4px solid #15803d; margin: 0; padding-left: 1rem; }
[hidden] { display: none; }
@media (prefers-color-scheme: dark) {
  body { background: #111827; color: #e5e7eb; }
  main { background: #1f2937; }
  .hint { color: #9ca3af; }
  input[type="password"], input[type="text"] { background: #111827; border-color: #9ca3af; color: inherit; }
  #refused { border-color: #f87171; color: #fca5a5; }
  #done { border-color: #4ade80; }
  :focus-visible { outline-color: #93c5fd; }
}
`;

function documentOf(action: LinkAction, language: PageLanguage, nonce: string): Markup {
  const words = PAGE_WORDS[language];
  const { title, lead, button, done } = words.pages[action];
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style nonce="${nonce}">
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main
          id="page"
          data-path="${API_PREFIX + POSTED_TO[action]}"
          data-second-path="${API_PREFIX}/auth/mfa/verify"
          data-refused="${words.refused}"
          data-gone="${words.gone}"
          data-unreachable="${words.unreachable}"
          data-only-passkey="${words.onlyPasskey}"
          data-busy="${words.busy}"
        >
          <h1>${title}</h1>
          <noscript><p>${words.noScript}</p></noscript>
          <p id="missing" hidden>${words.noToken}</p>
          <div id="refused" role="alert" hidden></div>
          <form id="first" method="post" hidden>
            <p>${lead}</p>
            ${action === "reset-password" ? passwordField(language) : ""}
            <button>${button}</button>
          </form>
          ${action === "magic-link" ? secondFactorForm(language) : ""}
          <p id="done" role="status" tabindex="-1" hidden>${done}</p>
        </main>
        <script nonce="${nonce}">
          ${raw(ACCOUNT_PAGE_SCRIPT)};
        </script>
      </body>
    </html>`;
}

function passwordField(language: PageLanguage): Markup {
  const { password, passwordHint, show } = PAGE_WORDS[language];
  return html`<label for="password">${password}</label>
    <input
      id="password"
      type="password"
      autocomplete="new-password"
      autocapitalize="none"
      spellcheck="false"
      aria-describedby="hint"
      required
    />
    <p class="hint" id="hint">${passwordHint}</p>
    <label class="check"><input id="visible" type="checkbox" />${show}</label>`;
}

function secondFactorForm(language: PageLanguage): Markup {
  const { code, codeHint, codeLead, codeButton } = PAGE_WORDS[language];
  return html`<form id="second" method="post" hidden>
    <p>${codeLead}</p>
    <label for="code">${code}</label>
    <input
      id="code"
      type="text"
      autocomplete="one-time-code"
      autocapitalize="none"
      spellcheck="false"
      aria-describedby="hint"
      required
    />
    <p class="hint" id="hint">${codeHint}</p>
    <button>${codeButton}</button>
  </form>`;
}
