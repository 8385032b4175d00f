import { html } from "hono/html";
import type { HttpContext } from "./context";

/** What a page is made of: text that was escaped as it was set in. */
export type Markup = ReturnType<typeof html>;

/** A page of our own, which loads nothing, from here or elsewhere. */
export function page(c: HttpContext, title: string, body: Markup): Response | Promise<Response> {
  c.header(
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  );
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${title}</title>
          <link rel="icon" href="data:," />
          <style>
            body {
              font:
                1rem/1.5 system-ui,
                sans-serif;
              margin: 10vh auto;
              max-width: 40rem;
              overflow-wrap: break-word;
              padding: 0 1rem;
            }
            dt {
              margin-top: 1rem;
            }
            dd,
            small {
              color: #555;
              margin: 0;
            }
            :target {
              background: #fff3bf;
            }
          </style>
        </head>
        <body>
          ${body}
        </body>
      </html>`,
  );
}
