/**
 * Convex document ids: `[table number as varint][16 internal bytes][fletcher-16 footer]`, printed
 * in lower-case Crockford base 32. Ids made here are therefore ids that Convex itself accepts.
 */
import { randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** By character code. */
const VALUE_OF_CODE = new Uint8Array(128).fill(255);
for (const [value, character] of Array.from(ALPHABET).entries()) {
  VALUE_OF_CODE[character.charCodeAt(0)] = value;
}

const INTERNAL_BYTES = 16;
const FOOTER_BYTES = 2;
/** Version 0 is XORed into the footer, so today's footer is the bare checksum. */
const VERSION = 0;
const MIN_LENGTH = 31;
const MAX_LENGTH = 37;

export type DocumentId = { tableNumber: number; internal: Uint8Array };

/** Prints an id. `internal` has 16 bytes. */
export function encodeId(tableNumber: number, internal: Uint8Array): string {
  const bytes: number[] = [];
  let rest = tableNumber;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  for (const byte of internal) bytes.push(byte);
  const footer = fletcher16(bytes, bytes.length) ^ VERSION;
  bytes.push(footer & 0xff, footer >> 8);
  return toBase32(bytes);
}

/** Reads an id, or says in Convex's words why it is none. */
export function parseId(id: string): DocumentId | { error: string } {
  const { length } = id;
  if (length < MIN_LENGTH || length > MAX_LENGTH) return invalidLength(id);
  const size = fromBase32(id);
  if (size === null) return { error: "Unable to decode ID: ID wasn't valid base32" };
  let tableNumber = 0;
  let position = 0;
  for (; ; position++) {
    const byte = read[position] ?? 0;
    if (position >= 5) return { error: "Unable to decode ID: Invalid table number" };
    tableNumber += (byte & 0x7f) * 2 ** (7 * position);
    if (byte < 0x80) break;
  }
  const isPadded = position > 0 && read[position] === 0;
  position++;
  if (tableNumber === 0 || tableNumber > 0xffffffff) {
    return { error: "Unable to decode ID: Invalid table number" };
  }
  const end = position + INTERNAL_BYTES;
  if (size !== end + FOOTER_BYTES) return invalidLength(id);
  const expected = fletcher16(read, end) ^ VERSION;
  const footer = (read[end] ?? 0) | ((read[end + 1] ?? 0) << 8);
  if (footer !== expected) {
    return { error: `Unable to decode ID: Invalid ID version ${footer} (expected ${expected})` };
  }
  // Spare bits of the last character and padded varints would give one document two names.
  const spareBits = length * 5 - size * 8;
  const lastValue = VALUE_OF_CODE[id.charCodeAt(length - 1)] ?? 0;
  if (isPadded || spareBits >= 5 || (lastValue & ((1 << spareBits) - 1)) !== 0) {
    return invalidLength(id);
  }
  return { tableNumber, internal: read.slice(position, end) };
}

function invalidLength(id: string): { error: string } {
  return { error: `Unable to decode ID: Invalid ID length ${id.length}` };
}

export function decodeId(id: string): DocumentId | null {
  const parsed = parseId(id);
  return "error" in parsed ? null : parsed;
}

/** Every id of the table lies between these two texts. */
export function idRange(tableNumber: number): { first: string; last: string } {
  const footerCharacters = 5;
  const bound = (byte: number): string =>
    encodeId(tableNumber, new Uint8Array(INTERNAL_BYTES).fill(byte)).slice(0, -footerCharacters);
  return { first: bound(0), last: `${bound(255)}zzzzzz` };
}

const POOL_BYTES = 10 * 512;
const pool = new Uint8Array(POOL_BYTES);
let poolPosition = POOL_BYTES;

/**
 * 48 bits of time and 80 random bits. Convex's own are wholly random; beginning with the time
 * keeps new documents beside each other in the store, so that a commit touches few pages.
 */
export function newInternalId(milliseconds: number): Uint8Array {
  if (poolPosition === POOL_BYTES) {
    randomFillSync(pool);
    poolPosition = 0;
  }
  const internal = new Uint8Array(INTERNAL_BYTES);
  let rest = Math.floor(milliseconds);
  for (let i = 5; i >= 0; i--) {
    internal[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  internal.set(pool.subarray(poolPosition, poolPosition + 10), 6);
  poolPosition += 10;
  return internal;
}

/** RFC 1145's checksum with modulus 256, of the first bytes. */
function fletcher16(bytes: ArrayLike<number>, size: number): number {
  let low = 0;
  let high = 0;
  for (let i = 0; i < size; i++) {
    low = (low + (bytes[i] ?? 0)) & 0xff;
    high = (high + low) & 0xff;
  }
  return (high << 8) | low;
}

function toBase32(bytes: readonly number[]): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((buffer >> bits) & 31);
    }
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET.charAt((buffer << (5 - bits)) & 31);
  return text;
}

/** The bytes of the id that was read last: each request reads dozens, and keeps none. */
const read = new Uint8Array(Math.floor((MAX_LENGTH * 5) / 8));

/** How many bytes it has read, or null. */
function fromBase32(text: string): number | null {
  let size = 0;
  let buffer = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUE_OF_CODE[text.charCodeAt(i)] ?? 255;
    if (value === 255) return null;
    buffer = (buffer << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      read[size++] = (buffer >> bits) & 0xff;
      buffer &= (1 << bits) - 1;
    }
  }
  return size;
}
