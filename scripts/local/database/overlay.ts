/**
 * Writes that are not on disk yet, kept in memory and in order, to be laid over a snapshot. A
 * mutation writes into one of its own; committed mutations collect in another until it is flushed.
 */
import type { JSONValue } from "convex/values";
import type { StoredDocument } from "./documents";
import { isPending, resolveKey } from "./keys";

/** What is known of an entry: its payload, or null if it is removed. */
type Entry = string | null;

/** The entries of one index. Sorting waits for the first read: a bulk insert never needs it. */
export class OrderedEntries {
  private entries = new Map<string, Entry | undefined>();
  private sorted: string[] = [];
  private unsorted: string[] = [];

  /** Undefined if this overlay says nothing about the key. */
  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  /** `undefined` takes back what was said; the key then stays listed, and is passed over. */
  set(key: string, entry: Entry | undefined): void {
    const { size } = this.entries;
    this.entries.set(key, entry);
    if (this.entries.size !== size) this.unsorted.push(key);
  }

  /** The first key at or above `low` (in reverse: the last below `high`) of which this overlay speaks. */
  seek(low: string, high: string, reverse: boolean): string | null {
    const keys = this.inOrder();
    const step = reverse ? -1 : 1;
    for (let i = reverse ? lowerBound(keys, high) - 1 : lowerBound(keys, low); ; i += step) {
      const key = keys[i];
      if (key === undefined || key < low || key >= high) return null;
      if (this.entries.get(key) !== undefined) return key;
    }
  }

  *[Symbol.iterator](): IterableIterator<[string, Entry]> {
    for (const [key, entry] of this.entries) if (entry !== undefined) yield [key, entry];
  }

  keys(): string[] {
    const keys: string[] = [];
    for (const [key, entry] of this.entries) if (entry !== undefined) keys.push(key);
    return keys;
  }

  absorb(later: OrderedEntries): void {
    for (const [key, entry] of later.entries) if (entry !== undefined) this.set(key, entry);
  }

  /** What is removed under a pending key is nowhere, so nothing needs to be said of it. */
  resolve(commitTs: JSONValue): void {
    for (const [key, entry] of this.entries) {
      if (entry === undefined || !isPending(key)) continue;
      this.set(key, undefined);
      if (entry !== null) this.set(resolveKey(key, commitTs), entry);
    }
  }

  private inOrder(): string[] {
    if (this.unsorted.length === 0) return this.sorted;
    if (this.unsorted.length <= 8) {
      for (const key of this.unsorted) this.sorted.splice(lowerBound(this.sorted, key), 0, key);
    } else {
      this.sorted = [...this.sorted, ...this.unsorted].sort();
    }
    this.unsorted = [];
    return this.sorted;
  }
}

/** The number of keys below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = keys[middle];
    if (found !== undefined && found < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Overlay {
  readonly documents = new Map<string, StoredDocument | null>();
  readonly indexes = new Map<number, OrderedEntries>();
  /** By table number, how many documents came or went. */
  readonly counts = new Map<number, number>();
  private undo: (() => void)[] = [];
  private savepoints = 0;

  get isEmpty(): boolean {
    return this.documents.size === 0;
  }

  /** In bytes, roughly: what the documents take in memory as text. */
  sizeOfDocuments(): number {
    let size = 0;
    for (const document of this.documents.values()) size += document?.text.length ?? 0;
    return size;
  }

  setDocument(id: string, document: StoredDocument | null): void {
    if (this.savepoints > 0) {
      const before = this.documents.get(id);
      this.undo.push(() => {
        if (before === undefined) this.documents.delete(id);
        else this.documents.set(id, before);
      });
    }
    this.documents.set(id, document);
  }

  setEntry(index: number, key: string, entry: Entry): void {
    let entries = this.indexes.get(index);
    if (entries === undefined) this.indexes.set(index, (entries = new OrderedEntries()));
    if (this.savepoints > 0) {
      const changed = entries;
      const before = entries.get(key);
      this.undo.push(() => {
        changed.set(key, before);
      });
    }
    entries.set(key, entry);
  }

  /** Puts the commit timestamp into the keys that wait for it; none of them is below this overlay. */
  resolveEntries(commitTs: JSONValue): void {
    for (const entries of this.indexes.values()) entries.resolve(commitTs);
  }

  addCount(table: number, change: number): void {
    if (this.savepoints > 0)
      this.undo.push(() => {
        this.addCountNow(table, -change);
      });
    this.addCountNow(table, change);
  }

  /** From here on `rollback` can return to this state. Every mark is released or rolled back. */
  mark(): number {
    this.savepoints++;
    return this.undo.length;
  }

  release(): void {
    this.savepoints--;
    if (this.savepoints === 0) this.undo = [];
  }

  rollback(mark: number): void {
    for (const undo of this.undo.splice(mark).reverse()) undo();
    this.release();
  }

  /** Takes over the writes of a mutation that has committed after all that is in here, for good. */
  absorb(later: Overlay): void {
    for (const [id, document] of later.documents) this.setDocument(id, document);
    for (const [index, entries] of later.indexes) {
      const own = this.indexes.get(index);
      if (own === undefined) this.indexes.set(index, entries);
      else own.absorb(entries);
    }
    for (const [table, change] of later.counts) this.addCount(table, change);
  }

  private addCountNow(table: number, change: number): void {
    this.counts.set(table, (this.counts.get(table) ?? 0) + change);
  }
}
