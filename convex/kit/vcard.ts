import { decoded, type Encoding, encodingNamed } from "./charset";

/**
 * vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), as phones and mail programs write them. (The
 * libraries that read vCards know 4.0, or 3.0 and 4.0; the quoted-printable and the charset per
 * property of 2.1, which address books still export, are read by none that is kept up.)
 */
export type VcardProperty = {
  /** In capitals, without group. */
  name: string;
  /** The values of `TYPE`, and the bare parameters of 2.1, in lower case. */
  types: string[];
  isPreferred: boolean;
  /** As it stands between the semicolons of a structured value; the first part of any other. */
  parts: string[];
  /** The whole value, unescaped. */
  value: string;
};
export type Vcard = { properties: VcardProperty[]; problem: string | null };

type RawProperty = { name: string; parameters: [name: string, value: string][]; value: string };

/** Pictures, sounds and keys: nothing is made of them, and they are most of a card's bytes. */
const SKIPPED = new Set(["PHOTO", "LOGO", "SOUND", "KEY", "AGENT"]);
const MARKS = /^[ \t]*(BEGIN|END)[ \t]*:[ \t]*VCARD[ \t]*\r?$/gim;

/**
 * Up to `limit` cards from the start of a window (a binary string, see charset.ts), and where the
 * last of them ends.
 */
export function readVcards(
  window: string,
  encoding: Encoding,
  { limit, atEnd }: { limit: number; atEnd: boolean },
): { cards: Vcard[]; end: number } {
  const cards: Vcard[] = [];
  let end = 0;
  let start = 0;
  let depth = 0;
  for (const mark of window.matchAll(MARKS)) {
    if (mark[1]?.toUpperCase() === "BEGIN") {
      if (depth === 0) start = mark.index;
      depth += 1;
      continue;
    }
    if (depth === 0) continue;
    depth -= 1;
    if (depth > 0) continue;
    end = mark.index + mark[0].length;
    cards.push(cardOf(window.slice(start, end), encoding));
    if (cards.length >= limit) return { cards, end };
  }
  if (atEnd) {
    if (depth > 0) cards.push({ properties: [], problem: "is cut off: END:VCARD is missing" });
    end = window.length;
  }
  return { cards, end };
}

function cardOf(text: string, encoding: Encoding): Vcard {
  const raw = rawProperties(text);
  const version = raw.find(({ name }) => name === "VERSION")?.value.trim() ?? "";
  if (!["2.1", "3.0", "4.0"].includes(version)) {
    return { properties: [], problem: `is of version "${version}"; 2.1, 3.0 and 4.0 are read` };
  }
  try {
    const properties = raw
      .filter(({ name }) => !SKIPPED.has(name))
      .map((property) => propertyOf(property, encoding));
    return { properties, problem: null };
  } catch (error) {
    if (error instanceof UnknownCharset) return { properties: [], problem: error.message };
    throw error;
  }
}

class UnknownCharset extends Error {}

/** The lines of a card put together again: folded ones, and soft breaks of quoted-printable. */
function rawProperties(text: string): RawProperty[] {
  const properties: RawProperty[] = [];
  let last: RawProperty | null = null;
  let depth = 0;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, mark] = /^\s*(BEGIN|END)\s*:/i.exec(line) ?? [];
    if (mark !== undefined) depth += mark.toUpperCase() === "BEGIN" ? 1 : -1;
    // A card within the card, as AGENT had them, is somebody else.
    if (mark !== undefined || depth > 1) continue;
    if (last && isQuotedPrintable(last) && last.value.endsWith("=")) {
      last.value = last.value.slice(0, -1) + line;
    } else if (last && /^[ \t]/.test(line)) {
      last.value += line.slice(1);
    } else {
      last = rawProperty(line);
      if (last) properties.push(last);
    }
  }
  return properties;
}

function rawProperty(line: string): RawProperty | null {
  const match = /^(?:[\w-]+\.)?([\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):(.*)$/s.exec(line);
  if (!match) return null;
  const [, name = "", parameters = "", value = ""] = match;
  const pairs = (parameters.match(/(?:[^";]|"[^"]*")+/g) ?? []).map((text): [string, string] => {
    const at = text.indexOf("=");
    // 2.1 leaves out the name of a parameter whose value tells it.
    if (at < 0) return [isEncodingName(text) ? "ENCODING" : "TYPE", text];
    return [text.slice(0, at).toUpperCase(), text.slice(at + 1).replaceAll('"', "")];
  });
  return { name: name.toUpperCase(), parameters: pairs, value };
}

function propertyOf(raw: RawProperty, encoding: Encoding): VcardProperty {
  const text = textOf(raw, encoding);
  const types = valuesOf(raw, "TYPE").flatMap((value) => value.toLowerCase().split(","));
  const parts = split(text, ";").map(unescaped);
  return {
    name: raw.name,
    types,
    isPreferred: types.includes("pref") || valuesOf(raw, "PREF").includes("1"),
    parts,
    value: unescaped(text),
  };
}

function textOf(raw: RawProperty, encoding: Encoding): string {
  const charset = valuesOf(raw, "CHARSET")[0];
  const own = charset === undefined ? encoding : encodingNamed(charset);
  if (!own) throw new UnknownCharset(`${raw.name} is in ${charset}, which is not read`);
  if (isQuotedPrintable(raw)) {
    const bytes = raw.value.replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    return decoded(bytes, own);
  }
  const isBase64 = valuesOf(raw, "ENCODING").some((value) => /^b(ase64)?$/i.test(value));
  return decoded(isBase64 ? fromBase64(raw.value) : raw.value, own);
}

function fromBase64(text: string): string {
  try {
    return atob(text.replace(/\s/g, ""));
  } catch {
    return "";
  }
}

function isQuotedPrintable(raw: RawProperty): boolean {
  return valuesOf(raw, "ENCODING").some((value) => /^quoted-printable$/i.test(value));
}

function isEncodingName(text: string): boolean {
  return /^(quoted-printable|base64|b|8bit|7bit)$/i.test(text);
}

function valuesOf(raw: RawProperty, parameter: string): string[] {
  return raw.parameters.flatMap(([name, value]) => (name === parameter ? [value] : []));
}

/** Splits at separators that no backslash precedes. */
export function split(text: string, separator: "," | ";"): string[] {
  return text.match(separator === "," ? COMMA_PARTS : SEMICOLON_PARTS)?.slice() ?? [""];
}

const COMMA_PARTS = /(?:(?<=,)|^)(?:\\.|[^\\,])*/gs;
const SEMICOLON_PARTS = /(?:(?<=;)|^)(?:\\.|[^\\;])*/gs;

function unescaped(text: string): string {
  return text.replace(/\\([\\;,:nN])/g, (_, escaped: string) =>
    escaped.toLowerCase() === "n" ? "\n" : escaped,
  );
}
