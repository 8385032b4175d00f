import { html } from "hono/html";

/** What a letter says, before it is set as HTML and as plain text. Every part is plain text. */
export type Letter = {
  subject: string;
  /** The sender's name, above the letter. */
  heading: string;
  greeting: string;
  paragraphs: string[];
  /** Number, amount, due date: a label and what it is. */
  facts: { label: string; value: string }[];
  action?: { label: string; url: string };
  closing: string;
  /** Who sends it and why, in small print. */
  footer: string;
};

export type LetterData = Record<string, string>;
export type Language = "en" | "de";
export type RenderedLetter = { subject: string; html: string; text: string };

const FONT = "-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif";

/**
 * Tables and inline styles, which is what mail programs agree on; no picture and no style sheet is
 * loaded from anywhere, so that opening a letter tells nobody anything.
 */
export function renderLetter(letter: Letter, language: Language): RenderedLetter {
  const markup = html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${letter.subject}</title>
      </head>
      <body style="margin:0;padding:24px 12px;background:#f3f4f6;font-family:${FONT};color:#1f2937">
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0">
          <tr>
            <td align="center">
              <table
                role="presentation"
                width="100%"
                cellpadding="0"
                cellspacing="0"
                style="max-width:560px;background:#ffffff;border-radius:8px;word-break:break-word"
              >
                <tr>
                  <td style="padding:24px 32px 0;font-size:14px;font-weight:600;color:#4b5563">
                    ${letter.heading}
                  </td>
                </tr>
                <tr>
                  <td style="padding:16px 32px 24px;font-size:16px;line-height:1.5">
                    <p style="margin:0 0 16px">${letter.greeting}</p>
                    ${letter.paragraphs.map((text) => html`<p style="margin:0 0 16px">${lines(text)}</p> `)}
                    ${
                      letter.facts.length === 0
                        ? ""
                        : html`<table
                            role="presentation"
                            width="100%"
                            cellpadding="0"
                            cellspacing="0"
                            style="margin:0 0 16px;border-top:1px solid #e5e7eb"
                          >
                            ${letter.facts.map(
                              ({ label, value }) =>
                                html`<tr>
                                  <td
                                    style="padding:8px 0;border-bottom:1px solid #e5e7eb;color:#6b7280;white-space:nowrap;vertical-align:top"
                                  >
                                    ${label}
                                  </td>
                                  <td
                                    align="right"
                                    style="padding:8px 0 8px 16px;border-bottom:1px solid #e5e7eb;font-weight:600"
                                  >
                                    ${value}
                                  </td>
                                </tr> `,
                            )}
                          </table>`
                    }
                    ${
                      letter.action === undefined
                        ? ""
                        : html`<p style="margin:24px 0">
                              <a
                                href="${letter.action.url}"
                                style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;font-weight:600;text-decoration:none"
                                >${letter.action.label}</a
                              >
                            </p>
                            <p
                              style="margin:0 0 16px;font-size:13px;color:#6b7280;word-break:break-all"
                            >
                              ${letter.action.url}
                            </p>`
                    }
                    <p style="margin:0">${lines(letter.closing)}</p>
                  </td>
                </tr>
                <tr>
                  <td style="padding:0 32px 24px;font-size:12px;color:#6b7280">${letter.footer}</td>
                </tr>
              </table>
            </td>
          </tr>
        </table>
      </body>
    </html>`;
  return { subject: oneLine(letter.subject), html: synchronous(markup), text: plainText(letter) };
}

/** hono/html is asynchronous only where a part of the markup is. */
function synchronous(markup: ReturnType<typeof html>): string {
  if (markup instanceof Promise) throw new TypeError("A letter has no asynchronous parts.");
  return markup.toString();
}

function plainText({ greeting, paragraphs, facts, action, closing, footer }: Letter): string {
  const table = facts.map(({ label, value }) => `${label}: ${value}`).join("\n");
  const link = action === undefined ? "" : `${action.label}:\n${action.url}`;
  const blocks = [greeting, ...paragraphs, table, link, closing, `-- \n${footer}`];
  return `${blocks.filter(Boolean).join("\n\n")}\n`;
}

function lines(text: string): (ReturnType<typeof html> | string)[] {
  return text
    .split(/\r?\n/)
    .flatMap((line, index) => (index === 0 ? [line] : [html`<br />`, line]));
}

/** A subject is a header: a line break in it would begin another. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}
