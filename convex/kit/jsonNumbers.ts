/**
 * Integers in a JSON text that a double does not hold (RFC 8259, section 6): what is read of them is
 * another number, and nobody would be told. Only the text still has them as they were written.
 */

export const ROUNDED = `is an integer beyond ±${Number.MAX_SAFE_INTEGER} that would be rounded; send it as text`;

/** An integer beyond 2^53 has as many digits, or an exponent. */
const MAY_BE_ROUNDED = /\d{16}|\d[eE]/;
const STRING_OR_NUMBER = /"|-?\d[\d.eE+-]*/g;
/** Stands for a rounded number; nothing that is taken has a NUL in it. */
const MARK = "\0rounded";

/**
 * The path of the first integer beyond ±(2^53 − 1) that does not print back as the number it was
 * written as, such as 9007199254740993, which is read as …992; null where there is none. 1e21 is held.
 * @param text well-formed JSON
 */
export function roundedNumber(text: string, path: string): string | null {
  if (!MAY_BE_ROUNDED.test(text)) return null;
  const pieces: string[] = [];
  let end = 0;
  const pattern = new RegExp(STRING_OR_NUMBER);
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const [token] = found;
    if (token === '"') pattern.lastIndex = endOfString(text, found.index);
    else if (isRounded(token)) {
      pieces.push(text.slice(end, found.index), JSON.stringify(MARK));
      end = pattern.lastIndex;
    }
  }
  if (pieces.length === 0) return null;
  return markIn(JSON.parse(pieces.join("") + text.slice(end)), path);
}

/** A regular expression for strings would keep a place to go back to for each of their escapes. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return text.length;
}

function isRounded(literal: string): boolean {
  const number = Number(literal);
  if (!Number.isInteger(number) || Number.isSafeInteger(number)) return false;
  return canonical(literal) !== canonical(String(number));
}

/** A decimal literal as its digits and the power of ten that they are multiplied by. */
function canonical(literal: string): string {
  const [, sign = "", whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  return `${sign}${significant}e${exponent}`;
}

/** None where a later value of the same name took its place. */
function markIn(value: unknown, path: string): string | null {
  if (value === MARK) return path;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, child] of Object.entries(value)) {
    const found = markIn(child, `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}
