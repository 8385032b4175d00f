import type { Value } from "convex/values";
import { sha256Hex } from "../kit/tokens";

/**
 * Names and values of a caller's own fields, as live functions pass them. Convex's field names are ASCII:
 * of others, what is not is percent-encoded on the way out, and decoded on the way in, so that what was
 * read can be written back. A value that is too wide for Convex is its JSON text.
 * https://docs.convex.dev/database/types: of an array's entries, an object's fields, a name's characters.
 */
const MAX_ENTRIES = 8192;
const MAX_FIELDS = 1024;
const MAX_NAME = 1024;
/** What stands for the rest of a name that is longer. */
const DIGEST = 16;

/** As Convex passes it. */
export function passed(value: Value): Value {
  if (Array.isArray(value)) {
    return value.length > MAX_ENTRIES ? JSON.stringify(value) : value.map(passed);
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  if (entries.length > MAX_FIELDS) return JSON.stringify(value);
  return Object.fromEntries(
    entries.map(([name, entry]) => [passedName(name), passed(entry as Value)]),
  );
}

/** As it was meant, of what came in that way. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([name, entry]) => [meantName(name), meant(entry)]));
}

/** What was sent, with the names of a caller's own fields as they were meant. */
export function withMeantNames(
  sent: Record<string, unknown>,
  ownFields: string,
): Record<string, unknown> {
  if (sent[ownFields] === undefined) return sent;
  return { ...sent, [ownFields]: meant(sent[ownFields]) };
}

function passedName(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name) && !name.startsWith("$") && !name.includes("%")) return name;
  const encoded = name.replace(/[^\x20-\x7e]+|^\$|%/g, encodeURIComponent);
  if (encoded.length <= MAX_NAME) return encoded;
  // Whole characters, and what tells it apart from others that begin so.
  const characters =
    encoded.match(/(%[89A-F][0-9A-F](%[89AB][0-9A-F])*)|%[0-7][0-9A-F]|[^%]/g) ?? [];
  let start = "";
  for (const character of characters) {
    if (start.length + character.length > MAX_NAME - DIGEST - 1) break;
    start += character;
  }
  return `${start}~${sha256Hex(name).slice(0, DIGEST)}`;
}

function meantName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A per cent sign that begins no escape is one.
    return name;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof ArrayBuffer)
  );
}
