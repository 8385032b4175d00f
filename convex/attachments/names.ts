import * as z from "zod";
import { hostNameProblem } from "../kit/hostName";
import { once } from "../kit/once";

/** What a file may be called, and what it may be. */

const MAX_NAME = 255;

/** Control and format characters (also those that turn text around), line and paragraph separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
/** Of these, what joins emoji and the letters of some scripts. */
const JOINERS = /[\u200c\u200d]/;

/**
 * The last path part of a file name, by the rules of Unix and Windows, without what nobody sees;
 * null where nothing is left but dots and spaces.
 */
export function safeFileName(name: string): string | null {
  const last =
    name
      .replace(/^[a-z]:/i, "")
      .split(/[/\\]/)
      .at(-1) ?? "";
  const seen = last.replace(UNSEEN, (character) => (JOINERS.test(character) ? character : ""));
  const trimmed = seen.normalize("NFC").trim();
  return /^[.\s\u200c\u200d]*$/.test(trimmed) ? null : trimmed;
}

/** At most 255 bytes: what file systems take. */
export const fileName = once(() =>
  z
    .string()
    .max(4096, "must have at most 4096 characters")
    .transform((name, context) => {
      const safe = safeFileName(name);
      const problem =
        safe === null
          ? "has nothing left without its path"
          : new TextEncoder().encode(safe).length > MAX_NAME
            ? `must have at most ${MAX_NAME} bytes`
            : null;
      if (safe !== null && problem === null) return safe;
      context.addIssue({ code: "custom", message: problem ?? "is not a file name" });
      return z.NEVER;
    })
    .pipe(z.string())
    .meta({ description: "Reduced to its last path part.", example: "contract.pdf" }),
);

/** What runs where it is opened; files are for reading. */
const REFUSED: ReadonlySet<string> = new Set([
  "text/html",
  "application/xhtml+xml",
  "text/javascript",
  "application/javascript",
  "application/x-javascript",
  "application/ecmascript",
  "application/x-msdownload",
  "application/x-msdos-program",
  "application/vnd.microsoft.portable-executable",
  "application/x-msi",
  "application/x-sh",
  "application/x-csh",
  "application/x-bat",
  "application/hta",
  "application/java-archive",
  "application/x-executable",
  "application/x-mach-binary",
]);

/** RFC 6838, 4.2: a type without parameters. */
export const contentType = once(() =>
  z
    .string()
    .trim()
    .toLowerCase()
    .max(127, "must have at most 127 characters")
    .regex(
      /^[a-z0-9][\w!#$&^.+-]*\/[a-z0-9][\w!#$&^.+-]*$/,
      "must be a media type without parameters, such as application/pdf",
    )
    .refine(
      (type) => !REFUSED.has(type),
      "is not taken: web pages, scripts and programs are refused",
    )
    .meta({ example: "application/pdf" }),
);

/** https, with a host and no credentials. */
export const externalUrl = once(() =>
  z
    .string()
    .trim()
    .max(2000, "must have at most 2000 characters")
    .refine(isExternal, "must be an https address with a host name of DNS, and without credentials")
    .transform((url) => new URL(url).href)
    .pipe(z.string())
    .meta({ description: "https.", example: "https://example.com/plan.pdf" }),
);

function isExternal(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isPlain = protocol === "https:" && username === "" && password === "";
  return isPlain && hostNameProblem(hostname) === null;
}

/** What an address is called where nobody has named it: its last path part, or its host. */
export function nameOfUrl(address: string): string {
  const { hostname, pathname } = new URL(address);
  const name = safeFileName(decoded(pathname.split("/").at(-1) ?? ""));
  return name !== null && new TextEncoder().encode(name).length <= MAX_NAME ? name : hostname;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
