import sanitizeHtml from "sanitize-html";

/**
 * What rich text may be made of. Whatever is not on this list is taken out, and with scripts and
 * styles their text too. Neither `style` nor `class` nor `id` is on it: they could cover the page
 * that shows the text, or be mistaken for parts of it.
 */
const ALLOWED: sanitizeHtml.IOptions = {
  allowedTags: [
    ..."h1 h2 h3 h4 h5 h6 p br hr div span blockquote pre code".split(" "),
    ..."strong b em i u s del ins sub sup small mark abbr kbd q cite".split(" "),
    ..."ul ol li dl dt dd a img figure figcaption".split(" "),
    ..."table caption colgroup col thead tbody tfoot tr th td".split(" "),
  ],
  allowedAttributes: {
    a: ["href", "title", "rel", "target"],
    img: ["src", "alt", "title", "width", "height"],
    abbr: ["title"],
    ol: ["start", "reversed"],
    col: ["span"],
    th: ["colspan", "rowspan", "scope"],
    td: ["colspan", "rowspan"],
  },
  allowedSchemes: ["https", "http", "mailto", "tel"],
  parseStyleAttributes: false,
  // Deeper than any text; what lies deeper is left out.
  nestingLimit: 50,
  transformTags: {
    a: (tagName, { href, title }) => ({
      tagName,
      attribs: {
        ...(leadsTo(href, ["https:", "http:", "mailto:", "tel:"]) ? { href } : {}),
        ...(title === undefined ? {} : { title }),
        rel: "noopener noreferrer nofollow",
        target: "_blank",
      },
    }),
    img: (tagName, { src, ...attribs }) => ({
      tagName,
      attribs: leadsTo(src, ["https:"]) ? { src, ...attribs } : {},
    }),
  },
  exclusiveFilter: ({ tag, attribs }) => tag === "img" && attribs["src"] === undefined,
};

/** A relative address would lead somewhere in the page that shows the text, so it is none. */
function leadsTo(url: string | undefined, protocols: string[]): url is string {
  return url !== undefined && URL.canParse(url) && protocols.includes(new URL(url).protocol);
}

/** Rich text that is safe to set into a page as it is. */
export function safeHtml(html: string): string {
  return sanitizeHtml(html, ALLOWED);
}
