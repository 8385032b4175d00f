/**
 * Order-preserving keys: `encodeKey(a) < encodeKey(b)` exactly when Convex sorts `a` before `b`.
 * A key is a string whose characters are bytes (0 to 255), so JavaScript compares keys as the
 * store does, they can be keys of a Map, and joining them is concatenation. Every encoded value is
 * self-delimiting: no value's key is a prefix of another's.
 */
import type { JSONValue } from "convex/values";
import { DamageFound } from "./damage";

const UNDEFINED = "\x10";
const NULL = "\x20";
const INT64 = "\x30";
/**
 * A commit timestamp that is not known yet sorts after every int64. The mark behind its tag occurs in
 * no text, where 1 is escaped by 1 or 2, and is longer than a number: it is found wherever it stands.
 */
const PENDING_MARK = "\x01\x03".repeat(5);
const PENDING_COMMIT_TS = `\x31${PENDING_MARK}`;
const FLOAT64 = "\x40";
const FALSE = "\x50";
const TRUE = "\x51";
const STRING = "\x60";
const BYTES = "\x70";
const ARRAY = "\x80";
const OBJECT = "\x90";
/** Ends strings, bytes, arrays and objects. Lower than every tag and every escaped byte. */
const END = "\x00";

/** `undefined` is a missing field, which Convex sorts before everything else. */
export function encodeKey(value: JSONValue | undefined): string {
  if (value === undefined) return UNDEFINED;
  if (value === null) return NULL;
  switch (typeof value) {
    case "string":
      return STRING + encodeText(value) + END;
    case "number":
      return encodeFloat(value);
    case "boolean":
      return value ? TRUE : FALSE;
  }
  if (Array.isArray(value)) {
    let key = ARRAY;
    for (const element of value) key += encodeKey(element);
    return key + END;
  }
  return encodeObject(value);
}

/** The least key above every key that begins with these whole values: no tag reaches `\xff`. */
export function afterPrefix(prefix: string): string {
  return prefix + "\xff";
}

/** Whether a commit timestamp in the key is not known yet. */
export function isPending(key: string): boolean {
  return key.includes(PENDING_MARK);
}

/** The key as it is once the timestamp is known. */
export function resolveKey(key: string, commitTs: JSONValue): string {
  // A function: in a text of any bytes, `$&` would stand for what is replaced.
  return key.replaceAll(PENDING_COMMIT_TS, () => encodeKey(commitTs));
}

/** The key of a float64 in descending order, for entries that list the newest first. */
export function encodeDescending(value: number): string {
  let key = "";
  const ascending = encodeFloat(value);
  for (let i = 1; i < 9; i++) key += String.fromCharCode(255 - ascending.charCodeAt(i));
  return key;
}

const LAST_ID = new RegExp(`${STRING}([0-9a-z]+)${END}$`);

/** Every index key ends with the document's id. */
export function idOfKey(key: string): string {
  // Ids have at most 37 characters; the rest of a long key need not be searched.
  const match = LAST_ID.exec(key.slice(-40));
  if (match?.[1] === undefined) throw new DamageFound("an index entry does not end with an id");
  return match[1];
}

/** Where the value that begins at `start` ends. */
export function endOfValue(key: string, start: number): number {
  switch (key[start]) {
    case INT64:
    case FLOAT64:
      return start + 9;
    case STRING:
    case BYTES:
      return key.indexOf(END, start) + 1;
    case PENDING_COMMIT_TS[0]:
      return start + PENDING_COMMIT_TS.length;
    case ARRAY:
    case OBJECT: {
      let position = start + 1;
      while (key[position] !== END) position = endOfValue(key, position);
      return position + 1;
    }
    default:
      return start + 1;
  }
}

function encodeObject(value: { [field: string]: JSONValue }): string {
  const fields = Object.keys(value);
  const [first] = fields;
  if (fields.length === 1 && first?.startsWith("$") === true) {
    const special = encodeSpecial(first, value[first]);
    if (special !== null) return special;
  }
  let key = OBJECT;
  for (const field of fields.sort()) {
    key += STRING + encodeText(field) + END + encodeKey(value[field]);
  }
  return key + END;
}

/** The values that JSON has no form for. */
function encodeSpecial(kind: string, value: JSONValue | undefined): string | null {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64") : Buffer.alloc(8);
  switch (kind) {
    case "$integer":
      return encodeInteger(bytes);
    case "$float":
      return encodeFloat(bytes.readDoubleLE());
    case "$bytes":
      return BYTES + escape(bytes.toString("latin1")) + END;
    case "$commitTs":
      return PENDING_COMMIT_TS;
    case "$undefined":
      return UNDEFINED;
    default:
      return null;
  }
}

/** `bytes` are little-endian two's complement; flipping the sign bit puts negatives first. */
function encodeInteger(bytes: Buffer): string {
  let key = INT64 + String.fromCharCode(bytes.readUInt8(7) ^ 0x80);
  for (let i = 6; i >= 0; i--) key += String.fromCharCode(bytes.readUInt8(i));
  return key;
}

const float = new DataView(new ArrayBuffer(8));

/** Negatives are inverted and positives get the sign bit, which also orders -0 before 0. */
function encodeFloat(value: number): string {
  float.setFloat64(0, value);
  const high = float.getUint32(0);
  const flip = high >= 0x80000000 ? 0xffffffff : 0;
  const a = high ^ (flip | 0x80000000);
  const b = float.getUint32(4) ^ flip;
  return (
    FLOAT64 +
    String.fromCharCode(
      a >>> 24,
      (a >>> 16) & 255,
      (a >>> 8) & 255,
      a & 255,
      b >>> 24,
      (b >>> 16) & 255,
      (b >>> 8) & 255,
      b & 255,
    )
  );
}

// eslint-disable-next-line no-control-regex
const PLAIN = /^[\x02-\x7f]*$/;
// eslint-disable-next-line no-control-regex
const ESCAPED = /[\x00\x01]/g;

/** UTF-8, since Convex compares strings by code points and JavaScript by UTF-16 units. */
function encodeText(text: string): string {
  return PLAIN.test(text) ? text : escape(Buffer.from(text, "utf8").toString("latin1"));
}

/** Frees byte 0 to be the end mark: 0 becomes 1 1 and 1 becomes 1 2, which keeps the order. */
function escape(bytes: string): string {
  return bytes.replace(ESCAPED, (byte) => (byte === "\x00" ? "\x01\x01" : "\x01\x02"));
}
