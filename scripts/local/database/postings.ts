/**
 * Full-text search keeps, for every term of a document, one entry
 * `[value of the first filter field][term][newest first][id]` whose payload holds digests of the
 * other filter fields. A search of one tenant therefore reads that tenant's entries alone, if the
 * index names the tenant as its first filter field.
 */
import type { JSONValue } from "convex/values";
import type { IndexEntry } from "./catalogue";
import { readField } from "./documents";
import { encodeDescending, encodeKey } from "./keys";
import type { Entry } from "./store";
import type { DocumentJson } from "./types";

export type SearchIndex = IndexEntry & { kind: "search" };

const WORD = /[\p{Alphabetic}\p{N}]+/gu;
/** Convex drops longer words from its indexes. */
const MAX_TERM_BYTES = 32;

/** The distinct terms of a text, in its order: lower-cased, with their diacritics. */
export function termsOf(text: string): string[] {
  const terms = new Set<string>();
  for (const [word] of text.normalize("NFC").matchAll(WORD)) {
    const term = word.toLowerCase();
    if (Buffer.byteLength(term) < MAX_TERM_BYTES) terms.add(term);
  }
  return [...terms];
}

export function searchEntries(index: SearchIndex, document: DocumentJson): Entry[] {
  const text = readField(document, index.searchField);
  if (typeof text !== "string") return [];
  const prefix = partition(index, document);
  const suffix = encodeDescending(Number(document._creationTime)) + encodeKey(document._id);
  const payload = index.filterFields
    .slice(1)
    .map((field) => digest(readField(document, field)))
    .join("");
  return termsOf(text).map((term) => ({ key: prefix + encodeKey(term) + suffix, payload }));
}

function partition(index: SearchIndex, document: DocumentJson): string {
  const field = index.filterFields[0];
  return field === undefined ? "" : encodeKey(readField(document, field));
}

const DIGEST_CHARACTERS = 4;

/** FNV-1a in 32 bits. Two values may share it, so a match is confirmed in the document. */
export function digest(value: JSONValue | undefined): string {
  const key = encodeKey(value);
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return String.fromCharCode(hash >>> 24, (hash >>> 16) & 255, (hash >>> 8) & 255, hash & 255);
}

/** Whether the payload of an entry has this digest for the filter field at `position`. */
export function hasDigest(payload: string, position: number, wanted: string): boolean {
  return payload.startsWith(wanted, (position - 1) * DIGEST_CHARACTERS);
}
