/** The index entries of a document, and what a write changes of them. */
import type { IndexEntry, TableEntry } from "./catalogue";
import { readField } from "./documents";
import { encodeKey } from "./keys";
import { searchEntries } from "./postings";
import type { Entry } from "./store";
import type { DocumentJson } from "./types";

/** `payload` is null for an entry that goes away. */
type Change = (index: number, key: string, payload: string | null) => void;

export function changeEntries(
  table: TableEntry,
  before: DocumentJson | null,
  after: DocumentJson | null,
  change: Change,
): void {
  const suffixBefore = before === null ? "" : suffix(before);
  const suffixAfter = after === null ? "" : suffix(after);
  for (const index of table.indexes) {
    if (before !== null && after !== null && sameFields(index, before, after)) continue;
    if (index.kind === "search") {
      changeSearch(index, before, after, change);
      continue;
    }
    const old = before === null ? null : indexKey(index, before, suffixBefore);
    const now = after === null ? null : indexKey(index, after, suffixAfter);
    if (old === now) continue;
    if (old !== null) change(index.number, old, null);
    if (now !== null) change(index.number, now, "");
  }
}

/** All entries of one index, for building it. */
export function entriesOf(index: IndexEntry, document: DocumentJson): Entry[] {
  if (index.kind === "search") return searchEntries(index, document);
  return [{ key: indexKey(index, document, suffix(document)), payload: "" }];
}

/** Every index ends with these two, so they are encoded once a document. */
function suffix(document: DocumentJson): string {
  return encodeKey(document._creationTime) + encodeKey(document._id);
}

function indexKey(
  index: IndexEntry & { kind: "id" | "database" },
  document: DocumentJson,
  suffixKey: string,
): string {
  if (index.kind === "id") return encodeKey(document._id);
  let key = "";
  for (const field of index.fields) {
    if (field === "_creationTime") break;
    key += encodeKey(readField(document, field));
  }
  return key + suffixKey;
}

/** A patch keeps what it does not touch, so comparing by identity sees most unchanged indexes. */
function sameFields(index: IndexEntry, before: DocumentJson, after: DocumentJson): boolean {
  const fields =
    index.kind === "search" ? [index.searchField, ...index.filterFields] : index.fields;
  return fields.every((path) => {
    const dot = path.indexOf(".");
    const field = dot === -1 ? path : path.slice(0, dot);
    return before[field] === after[field];
  });
}

function changeSearch(
  index: IndexEntry & { kind: "search" },
  before: DocumentJson | null,
  after: DocumentJson | null,
  change: Change,
): void {
  const now = new Map<string, string>();
  if (after !== null) {
    for (const { key, payload } of searchEntries(index, after)) now.set(key, payload);
  }
  if (before !== null) {
    for (const { key, payload } of searchEntries(index, before)) {
      const kept = now.get(key);
      if (kept === payload) now.delete(key);
      else if (kept === undefined) change(index.number, key, null);
    }
  }
  for (const [key, payload] of now) change(index.number, key, payload);
}
