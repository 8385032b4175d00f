import type { Encoding } from "./charset";

/**
 * What the bytes of a file tell of its encoding, counted while they pass.
 * - `utf8`: characters beyond ASCII that are UTF-8; `invalid`: bytes that are not
 * - `windows1252`, `macRoman`: bytes that are a letter within a word if the file is of that encoding
 */
export type TextSigns = { utf8: number; invalid: number; windows1252: number; macRoman: number };

/**
 * Letters of MacRoman whose bytes stand for a sign or a capital in Windows-1252, so that they do not
 * follow a letter there: á à â ä å ç é è ê ù ü ß.
 */
const MAC_LETTERS = new Set([
  0x87, 0x88, 0x89, 0x8a, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x9d, 0x9f, 0xa7,
]);
/** ú ö û in MacRoman, œ š ž in Windows-1252: between two consonants, they are the former. */
const MAC_VOWELS = new Set([0x9c, 0x9a, 0x9e]);
/** Quotes, dashes and signs in MacRoman, which stand beside letters as well. */
const MAC_SIGNS = new Set([0xc9, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd7, 0xe3, 0xf7]);

export class TextSignsCounter {
  readonly signs: TextSigns = { utf8: 0, invalid: 0, windows1252: 0, macRoman: 0 };
  /** Continuation bytes that the current character of UTF-8 still needs. */
  private needed = 0;
  /** The least and greatest next byte, which rule out overlong forms and surrogates. */
  private lower = 0x80;
  private upper = 0xbf;
  private before = 0;
  private current = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte >= 0x80 || this.needed > 0) this.addToUtf8(byte);
      if (this.current >= 0x80) this.weigh(byte);
      this.before = this.current;
      this.current = byte;
    }
  }

  end(): void {
    if (this.needed > 0) this.signs.invalid += 1;
    this.needed = 0;
    if (this.current >= 0x80) this.weigh(0);
    this.current = 0;
  }

  /** The table of well-formed byte sequences: Unicode 16, 3.9, table 3-7. */
  private addToUtf8(byte: number): void {
    if (this.needed > 0) {
      if (byte >= this.lower && byte <= this.upper) {
        [this.lower, this.upper] = [0x80, 0xbf];
        this.needed -= 1;
        if (this.needed === 0) this.signs.utf8 += 1;
        return;
      }
      this.signs.invalid += 1;
      this.needed = 0;
      if (byte < 0x80) return;
    }
    this.needed = lengthOf(byte) - 1;
    this.lower = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
    this.upper = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
    if (this.needed > 0) return;
    this.signs.invalid += 1;
    this.needed = 0;
  }

  private weigh(next: number): void {
    const { before, current, signs } = this;
    const isInWord = isLetter(before) || isLetter(next);
    if (current >= 0xc0 && isInWord && !MAC_SIGNS.has(current)) signs.windows1252 += 1;
    else if (MAC_LETTERS.has(current) && isLetter(before)) signs.macRoman += 1;
    else if (MAC_VOWELS.has(current) && isConsonant(before) && isConsonant(next))
      signs.macRoman += 1;
  }
}

/** Of the character that this byte begins; 1 for one that begins none. */
function lengthOf(byte: number): number {
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 1;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isConsonant(byte: number): boolean {
  return isLetter(byte) && !"aeiouy".includes(String.fromCharCode(byte | 0x20));
}

/** UTF-8 unless more of it is not than is; then the one of the two in which it has more letters. */
export function encodingBySigns({ utf8, invalid, windows1252, macRoman }: TextSigns): Encoding {
  if (invalid === 0 || utf8 >= invalid) return "utf-8";
  return macRoman > windows1252 ? "macintosh" : "windows-1252";
}

/**
 * UTF-16 by its mark, or by the zeros that every other byte of Western text is then.
 * @param start the first bytes of a file
 */
export function utf16By(start: Uint8Array): Encoding | null {
  const [first, second] = start;
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  const looked = start.subarray(0, 1000);
  const zeros = [0, 0];
  looked.forEach((byte, at) => {
    if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  if (even + odd < looked.length / 4) return null;
  return odd > even ? "utf-16le" : "utf-16be";
}
