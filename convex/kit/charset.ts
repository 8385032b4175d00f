/**
 * Text files of any origin. They are read as strings of code units: one character per byte, or one
 * per two bytes of UTF-16. Separators are ASCII in every supported encoding, so positions are
 * multiples of byte offsets, and only what is between separators is decoded, each record for itself.
 */
export const ENCODINGS = ["utf-8", "windows-1252", "macintosh", "utf-16le", "utf-16be"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** The names that senders give them (WHATWG reads ISO-8859-1 as Windows-1252 as well). */
const NAMES: Record<string, Encoding> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "us-ascii": "utf-8",
  "windows-1252": "windows-1252",
  cp1252: "windows-1252",
  "iso-8859-1": "windows-1252",
  latin1: "windows-1252",
  macintosh: "macintosh",
  "x-mac-roman": "macintosh",
  "utf-16": "utf-16le",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
};

/**
 * Where Windows-1252 differs from ISO-8859-1: the characters of bytes 0x80 to 0x9F. (Not by
 * `TextDecoder`: Node 20's takes the two for one, and Convex's knows neither.)
 */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009Dž\u0178";

/** The characters of bytes 0x80 to 0xFF on a Mac, whose Excel still writes them. */
const MAC_ROMAN =
  "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø" +
  "¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

const UTF8_MARK = "\xef\xbb\xbf";

/** The encoding of this name, or null for one that is not read. */
export function encodingNamed(name: string): Encoding | null {
  return NAMES[name.toLowerCase()] ?? null;
}

/** How many bytes a character of the undecoded text stands for. */
export function unitBytes(encoding: Encoding): 1 | 2 {
  return encoding.startsWith("utf-16") ? 2 : 1;
}

/** How many characters the byte order mark at this place has; 0 where there is none. */
export function markLength(text: string, at: number): number {
  if (text.startsWith(UTF8_MARK, at)) return UTF8_MARK.length;
  return text.startsWith("\ufeff", at) ? 1 : 0;
}

/** Bytes as undecoded text. Half a unit at the end is one that no text has: a lone surrogate. */
export function unitsOf(bytes: Uint8Array, encoding: Encoding): string {
  if (unitBytes(encoding) === 1) return binaryOf(bytes);
  const [low, high] = encoding === "utf-16le" ? [0, 1] : [1, 0];
  const units = new Uint16Array(bytes.length >> 1);
  for (let index = 0; index < units.length; index++) {
    const at = index * 2;
    units[index] = (bytes[at + low] ?? 0) | ((bytes[at + high] ?? 0) << 8);
  }
  return binaryOf(units) + (bytes.length % 2 === 0 ? "" : "\ud800");
}

/** One character per element. */
export function binaryOf(units: Uint8Array | Uint16Array): string {
  const slices: string[] = [];
  // A call takes some ten thousand arguments.
  for (let at = 0; at < units.length; at += 8192) {
    slices.push(String.fromCharCode(...units.subarray(at, at + 8192)));
  }
  return slices.join("");
}

/** Undecoded text as what it says, or null where it is not of the encoding. */
export function decoded(text: string, encoding: Encoding): string | null {
  if (unitBytes(encoding) === 2) return text.isWellFormed() ? text : null;
  if (!/[\x80-\xff]/.test(text)) return text;
  if (encoding === "windows-1252") {
    return text.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252.charAt(c.charCodeAt(0) - 0x80));
  }
  if (encoding === "macintosh") {
    return text.replace(/[\x80-\xff]/g, (c) => MAC_ROMAN.charAt(c.charCodeAt(0) - 0x80));
  }
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
