/**
 * Text files of any origin. They are read as "binary strings", one character per byte: separators
 * are ASCII in every supported encoding, so positions are byte offsets, and only what is between
 * separators is decoded.
 */
export type Encoding = "utf-8" | "windows-1252";

/** The names that senders give the two encodings (WHATWG reads ISO-8859-1 as Windows-1252 as well). */
const ENCODINGS: Record<string, Encoding> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "us-ascii": "utf-8",
  "windows-1252": "windows-1252",
  cp1252: "windows-1252",
  "iso-8859-1": "windows-1252",
  latin1: "windows-1252",
};

/**
 * Where Windows-1252 differs from ISO-8859-1: the characters of bytes 0x80 to 0x9F. (Not by
 * `TextDecoder`: Node 20's takes the two for one.)
 */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009Dž\u0178";

export const UTF8_MARK = "\xef\xbb\xbf";

/** The encoding of this name, or null for one that is not read. */
export function encodingNamed(name: string): Encoding | null {
  return ENCODINGS[name.toLowerCase()] ?? null;
}

export function binaryOf(bytes: Uint8Array): string {
  const slices: string[] = [];
  // A call takes some ten thousand arguments.
  for (let at = 0; at < bytes.length; at += 8192) {
    slices.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return slices.join("");
}

/** Bytes that are not of the encoding become U+FFFD. */
export function decoded(binary: string, encoding: Encoding): string {
  if (!/[\x80-\xff]/.test(binary)) return binary;
  if (encoding === "windows-1252") {
    return binary.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252.charAt(c.charCodeAt(0) - 0x80));
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
