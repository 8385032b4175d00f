/**
 * Full-text search keeps, for every term of a document, one entry
 * `[value of the first filter field][term][newest first][id]`, whose payload holds how often the
 * term occurs, how long the text is, and digests of the other filter fields. A search of one tenant
 * therefore reads that tenant's entries alone, if the index names the tenant as its first filter
 * field, and needs no document to rank what it finds.
 */
import type { JSONValue } from "convex/values";
import type { IndexEntry } from "./catalogue";
import { readField } from "./documents";
import { encodeDescending, encodeKey } from "./keys";
import type { Entry } from "./store";
import type { DocumentJson } from "./types";
import { wordsOf } from "./words";

export type SearchIndex = IndexEntry & { kind: "search" };

/** Raised when entries change their form; an index of another layout is built anew. */
export const SEARCH_LAYOUT = 2;

/** What a document brings into a search index. */
export type Posted = {
  partition: string;
  /** How many words the text has, repeated ones too. */
  length: number;
  entries: Entry[];
};

/** Null where the document has nothing to be found by. */
export function postingsOf(index: SearchIndex, document: DocumentJson): Posted | null {
  const text = readField(document, index.searchField);
  if (typeof text !== "string") return null;
  const words = wordsOf(text);
  if (words.length === 0) return null;
  const occurrences = new Map<string, number>();
  for (const word of words) occurrences.set(word, (occurrences.get(word) ?? 0) + 1);
  const [first, ...others] = index.filterFields;
  const partition = first === undefined ? "" : encodeKey(readField(document, first));
  const suffix = encodeDescending(Number(document._creationTime)) + encodeKey(document._id);
  const digests = others.map((field) => digest(readField(document, field))).join("");
  const rest = String.fromCharCode(lengthClass(words.length)) + digests;
  const entries = [...occurrences].map(([word, count]) => ({
    key: partition + encodeKey(word) + suffix,
    payload: String.fromCharCode(Math.min(count, MAX_OCCURRENCES)) + rest,
  }));
  return { partition, length: words.length, entries };
}

/** One character each, which is also one byte on disk. */
const MAX_OCCURRENCES = 127;
const CLASSES_PER_DOUBLING = 4;

/**
 * Lengths in steps of a fifth, as search engines keep them: a text that grows by a word does not
 * change all its entries.
 */
function lengthClass(length: number): number {
  return Math.min(Math.round(CLASSES_PER_DOUBLING * Math.log2(length)), MAX_OCCURRENCES);
}

/** What the payload of an entry says of its document; `length` is in words, roughly. */
export function readPayload(payload: string): { occurrences: number; length: number } {
  return {
    occurrences: payload.charCodeAt(0),
    length: 2 ** (payload.charCodeAt(1) / CLASSES_PER_DOUBLING),
  };
}

const DIGESTS_AT = 2;
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
  return payload.startsWith(wanted, DIGESTS_AT + (position - 1) * DIGEST_CHARACTERS);
}
