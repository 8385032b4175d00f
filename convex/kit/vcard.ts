import { decoded, type Encoding, encodingNamed, unitBytes } from "./charset";
import type { WindowOptions } from "./csv";

/**
 * vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350), as phones and mail programs write them. (The
 * libraries that read vCards know 4.0, or 3.0 and 4.0, as text that is decoded and whole; the
 * quoted-printable and the charset per property of 2.1, which address books still export, are read by
 * none that is kept up, and none goes on behind a card that is damaged.)
 */
export type VcardProperty = {
  /** In capitals, without group. */
  name: string;
  /** The values of `TYPE`, and the bare parameters of 2.1, in lower case. */
  types: string[];
  isPreferred: boolean;
  /** What stands between the semicolons of a structured value; the first part of any other. */
  parts: string[];
  /** What stands between the commas of a list. */
  items: string[];
  /** The whole value, unescaped. */
  value: string;
};
export type Vcard = {
  properties: VcardProperty[];
  problem: string | null;
  /** The names of the properties that say something and are not read, each once. */
  others: string[];
};
export type VcardReading = {
  cards: Vcard[];
  /** Where the last of them ends. */
  end: number;
  /** It does not end there: it is longer than the window, which is as long as windows get. */
  isCut: boolean;
};

/** Stands among the names of a card's properties for lines that are none. */
export const NO_PROPERTY = "(lines that are no property)";

type Version = "2.1" | "3.0" | "4.0";
type RawProperty = { name: string; parameters: [name: string, value: string][]; value: string };

/** What is made something of. Pictures and keys, which are most of a card's bytes, are not decoded. */
const READ = new Set([
  ...["FN", "N", "NICKNAME", "ORG", "EMAIL", "TEL", "CATEGORIES", "BDAY", "URL", "TITLE", "ROLE"],
  ...["NOTE", "UID", "ADR", "KIND", "X-ADDRESSBOOKSERVER-KIND"],
]);
/** Of the card itself, not of whom it is about. */
const OF_THE_CARD = new Set(["VERSION", "PRODID", "REV", "PROFILE", "CLIENTPIDMAP"]);
/** Files that were put together have the byte order mark of each. */
const MARKS = /^[ \t]*(?:\ufeff|\xef\xbb\xbf)?(BEGIN|END)[ \t]*:[ \t]*VCARD[ \t]*\r?$/gim;
const CUT_OFF = "is cut off: END:VCARD is missing";
const OUTSIDE = "stands outside of a card: BEGIN:VCARD is missing";

/**
 * Up to `limit` cards from the start of a window of undecoded text (charset.ts). One without an end
 * is refused for itself: the next begins where a card begins, unless the line before it is `AGENT:`.
 * @param isWithinRow the window begins within a card that is not to be read
 */
export function readVcards(
  window: string,
  encoding: Encoding,
  { limit, atEnd, isLongest, isWithinRow = false }: WindowOptions & { isWithinRow?: boolean },
): VcardReading {
  const cards: Vcard[] = [];
  const refuse = (problem: string): void => void cards.push(refused(problem));
  let end = 0;
  let start = 0;
  let depth = 0;
  let isPassing = isWithinRow;
  for (const { 0: line, 1: mark = "", index } of window.matchAll(MARKS)) {
    if (mark.toUpperCase() === "BEGIN") {
      if (depth > 0 && isAgent(window, index)) {
        depth += 1;
        continue;
      }
      const isStray = depth === 0 && !isPassing && saysSomething(window.slice(end, index));
      if (depth > 0 || isStray) {
        refuse(depth > 0 ? CUT_OFF : OUTSIDE);
        end = index;
        if (cards.length >= limit) return { cards, end, isCut: false };
      }
      isPassing = false;
      start = index;
      depth = 1;
      continue;
    }
    if (isPassing) continue;
    if (depth > 1) {
      depth -= 1;
      continue;
    }
    if (depth === 0) refuse("has no beginning: BEGIN:VCARD is missing");
    else cards.push(cardOf(window.slice(start, index), encoding));
    depth = 0;
    end = index + line.length;
    if (cards.length >= limit) return { cards, end, isCut: false };
  }
  const isStray = depth === 0 && !isPassing && saysSomething(window.slice(end));
  if (atEnd) {
    if (depth > 0 || isStray) refuse(depth > 0 ? CUT_OFF : OUTSIDE);
    return { cards, end: window.length, isCut: false };
  }
  if (!isLongest || end > 0) return { cards, end, isCut: false };
  if (depth > 0 || isStray) refuse(depth > 0 ? "is longer than 8 MiB" : OUTSIDE);
  return { cards, end: window.length, isCut: true };
}

/** Between cards, programs leave blank lines, byte order marks and the end mark of DOS. */
function saysSomething(text: string): boolean {
  return /[^\s\p{Cc}\ufeff\xef\xbb\xbf]/u.test(text);
}

/** A card in the card, as 2.1 has them: it is the value of the line before it. */
function isAgent(window: string, index: number): boolean {
  return /(?:^|[\r\n])(?:[\w-]+\.)?AGENT[^\r\n]*:[ \t]*[\r\n]+$/i.test(
    window.slice(Math.max(0, index - 200), index),
  );
}

function refused(problem: string): Vcard {
  return { properties: [], problem, others: [] };
}

function cardOf(text: string, encoding: Encoding): Vcard {
  const { properties: raw, strays } = rawProperties(text);
  const version = raw.find(({ name }) => name === "VERSION")?.value.trim() ?? "";
  if (!isVersion(version)) {
    return refused(`is of version "${version}"; 2.1, 3.0 and 4.0 are read`);
  }
  try {
    const properties = raw
      .filter(({ name }) => READ.has(name))
      .map((property) => propertyOf(property, version, encoding));
    const others = raw.filter(({ name, value }) => isOther(name) && value.trim() !== "");
    const names = new Set([...others.map(({ name }) => name), ...strays]);
    return { properties, problem: null, others: [...names] };
  } catch (error) {
    if (error instanceof Unreadable) return refused(error.message);
    throw error;
  }
}

function isOther(name: string): boolean {
  return !READ.has(name) && !OF_THE_CARD.has(name);
}

function isVersion(text: string): text is Version {
  return text === "2.1" || text === "3.0" || text === "4.0";
}

class Unreadable extends Error {}

/**
 * The lines of a card put together again: folded ones, and soft breaks of quoted-printable.
 * @returns also the strays: what stands for lines that are no property, and for cards within
 */
function rawProperties(text: string): { properties: RawProperty[]; strays: Set<string> } {
  const properties: RawProperty[] = [];
  const strays = new Set<string>();
  let last: RawProperty | null = null;
  let depth = 0;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, mark] = /^(?:\s|\xef\xbb\xbf)*(BEGIN|END)\s*:/i.exec(line) ?? [];
    if (mark !== undefined) depth += mark.toUpperCase() === "BEGIN" ? 1 : -1;
    // A card within the card, as AGENT had them, is somebody else.
    if (depth > 1) strays.add("AGENT");
    if (mark !== undefined || depth > 1) continue;
    if (last && isQuotedPrintable(last) && last.value.endsWith("=")) {
      last.value = last.value.slice(0, -1) + line;
    } else if (last && /^[ \t]/.test(line)) {
      last.value += line.slice(1);
    } else {
      last = rawProperty(line);
      if (last) properties.push(last);
      else if (line.trim() !== "") strays.add(NO_PROPERTY);
    }
  }
  return { properties, strays };
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

function propertyOf(raw: RawProperty, version: Version, encoding: Encoding): VcardProperty {
  const types = valuesOf(raw, "TYPE").flatMap((value) => value.toLowerCase().split(","));
  // Escapes are undone before what is encoded is decoded: what that holds is meant as it stands.
  const textsOf = (parts: string[], isStructured: boolean): string[] =>
    parts.map((part) => textOf(raw, unescaped(part, version, isStructured), encoding));
  const parts = textsOf(split(raw.value, ";"), true);
  const items = textsOf(split(raw.value, ","), false);
  const [value = ""] = textsOf([raw.value], false);
  const isPreferred = types.includes("pref") || valuesOf(raw, "PREF").includes("1");
  return { name: raw.name, types, isPreferred, parts, items, value };
}

function textOf(raw: RawProperty, value: string, encoding: Encoding): string {
  const charset = valuesOf(raw, "CHARSET")[0];
  const named = charset === undefined ? encoding : encodingNamed(charset);
  if (!named) throw new Unreadable(`${raw.name} is in ${charset}, which is not read`);
  const bytes = bytesOf(raw, value);
  // The text of a file in UTF-16 is no bytes, whatever a property says, and its bytes are not that.
  const own = bytes === null ? (unitBytes(encoding) === 2 ? encoding : named) : named;
  const isOfBytes = bytes !== null && unitBytes(own) === 2;
  const text = decoded(bytes ?? value, isOfBytes ? "utf-8" : own);
  if (text === null) throw new Unreadable(`${raw.name} has bytes that are not ${own}`);
  return text;
}

/** The bytes that a value encodes, or null where it is text as it stands. */
function bytesOf(raw: RawProperty, value: string): string | null {
  if (isQuotedPrintable(raw)) {
    return value.replace(/=([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
  }
  const isBase64 = valuesOf(raw, "ENCODING").some((name) => /^b(ase64)?$/i.test(name));
  return isBase64 ? fromBase64(value) : null;
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
function split(text: string, separator: "," | ";"): string[] {
  return text.match(separator === "," ? COMMA_PARTS : SEMICOLON_PARTS)?.slice() ?? [""];
}

const COMMA_PARTS = /(?:(?<=,)|^)(?:\\.|[^\\,])*/gs;
const SEMICOLON_PARTS = /(?:(?<=;)|^)(?:\\.|[^\\;])*/gs;

/** 2.1 escapes nothing but the semicolon of a structured value: `C:\new` is a folder there. */
function unescaped(text: string, version: Version, isStructured: boolean): string {
  if (version === "2.1") return isStructured ? text.replaceAll("\\;", ";") : text;
  return text.replace(/\\([\\;,:nN])/g, (_, escaped: string) =>
    escaped.toLowerCase() === "n" ? "\n" : escaped,
  );
}
