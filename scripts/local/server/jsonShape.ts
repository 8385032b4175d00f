/**
 * How much there is in a JSON text, counted in its bytes: reading a text costs by its values, of which
 * `[{},{},…]` has one for every three bytes, and whoever has to wait for it is everybody.
 */

/** Of one text, whatever its size: read in some tens of milliseconds. */
export const MAX_JSON_VALUES = 65_536;
/** Convex's limit for values is 64; the rest is for what they stand in. */
export const MAX_JSON_DEPTH = 80;

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What makes a JSON text too much to be read, or null. Whether it is JSON is not asked. */
export function jsonProblem(bytes: Uint8Array): string | null {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at);
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth++;
        values++;
        if (depth > MAX_JSON_DEPTH) return `is nested more than ${MAX_JSON_DEPTH} levels deep`;
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
        break;
      case COMMA:
        values++;
    }
    if (values > MAX_JSON_VALUES) return `has more than ${MAX_JSON_VALUES} values`;
  }
  return null;
}

/** Where the string that begins at `from` ends; the end of the text for one that does not. */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at;
  }
  return bytes.length;
}
