/** The index entries of a document, and what a write changes of them. */
import type { IndexEntry, TableEntry } from "./catalogue";
import { readField } from "./documents";
import { encodeKey } from "./keys";
import { postingsOf, type Posted, type SearchIndex } from "./postings";
import { addTotals, type Totals } from "./searchTotals";
import type { Overlay } from "./overlay";
import type { DocumentJson } from "./types";

export type EntryWriter = {
  /** `payload` is null for an entry that goes away. */
  write(index: IndexEntry, key: string, payload: string | null): void;
  /** The documents of a search index under one value of its first filter field. */
  addTotals(index: SearchIndex, partition: string, change: Totals): void;
};

export function changeEntries(
  table: TableEntry,
  before: DocumentJson | null,
  after: DocumentJson | null,
  writer: EntryWriter,
): void {
  const suffixBefore = before === null ? "" : suffix(before);
  const suffixAfter = after === null ? "" : suffix(after);
  for (const index of table.indexes) {
    if (before !== null && after !== null && sameFields(index, before, after)) continue;
    if (index.kind === "search") {
      changeSearch(index, before, after, writer);
      continue;
    }
    const old = before === null ? null : indexKey(index, before, suffixBefore);
    const now = after === null ? null : indexKey(index, after, suffixAfter);
    if (old === now) continue;
    if (old !== null) writer.write(index, old, null);
    if (now !== null) writer.write(index, now, "");
  }
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
  index: SearchIndex,
  before: DocumentJson | null,
  after: DocumentJson | null,
  writer: EntryWriter,
): void {
  const old = before === null ? null : postingsOf(index, before);
  const now = after === null ? null : postingsOf(index, after);
  const unwritten = new Map(now?.entries.map(({ key, payload }) => [key, payload]));
  for (const { key, payload } of old?.entries ?? []) {
    const kept = unwritten.get(key);
    if (kept === payload) unwritten.delete(key);
    else if (kept === undefined) writer.write(index, key, null);
  }
  for (const [key, payload] of unwritten) writer.write(index, key, payload);
  changeTotals(index, old, now, writer);
}

function changeTotals(
  index: SearchIndex,
  old: Posted | null,
  now: Posted | null,
  writer: EntryWriter,
): void {
  if (old !== null && now !== null && old.partition === now.partition) {
    if (old.length === now.length) return;
    writer.addTotals(index, now.partition, { documents: 0, words: now.length - old.length });
    return;
  }
  if (old !== null) {
    writer.addTotals(index, old.partition, { documents: -1, words: -old.length });
  }
  if (now !== null) writer.addTotals(index, now.partition, { documents: 1, words: now.length });
}

/** Writes into an overlay what changes, over what can be seen through `read`. */
export function overlayWriter(
  writes: Overlay,
  read: (index: SearchIndex, key: string) => string | null,
): EntryWriter {
  return {
    write: (index, key, payload) => {
      writes.setEntry(index.number, key, payload);
    },
    addTotals: (index, partition, change) => {
      addTotals(
        partition,
        change,
        (key) => read(index, key),
        (key, payload) => {
          writes.setEntry(index.number, key, payload);
        },
      );
    },
  };
}
