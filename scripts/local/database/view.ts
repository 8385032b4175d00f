/** A snapshot of the store with unflushed writes laid over it, read as if it were one. */
import type { StoredDocument } from "./documents";
import { idRange } from "./ids";
import type { Overlay } from "./overlay";
import type { Entry, Snapshot } from "./store";
import type { IndexEntry, TableEntry } from "./catalogue";

const FIRST_CHUNK = 16;
const LARGEST_CHUNK = 256;

/** Which entries to read, in which order: `low <= key < high`. */
export type Scan = {
  table: TableEntry;
  index: IndexEntry;
  low: string;
  high: string;
  reverse: boolean;
};

export class View {
  /** `layers` are the writes to see, the latest first. */
  constructor(
    readonly snapshot: Snapshot,
    readonly layers: readonly Overlay[],
  ) {}

  /** This view with one more layer on top. */
  under(layer: Overlay): View {
    return new View(this.snapshot, [layer, ...this.layers]);
  }

  count(table: number): number {
    let count = Number(this.snapshot.meta(`count ${table}`) ?? 0);
    for (const { counts } of this.layers) count += counts.get(table) ?? 0;
    return count;
  }

  document(id: string): StoredDocument | null {
    for (const { documents } of this.layers) {
      const document = documents.get(id);
      if (document !== undefined) return document;
    }
    return this.snapshot.document(id);
  }

  /** What one entry of an index holds; null if there is none. */
  payload(index: IndexEntry, key: string): string | null {
    for (const { indexes } of this.layers) {
      const entry = indexes.get(index.number)?.get(key);
      if (entry !== undefined) return entry;
    }
    return this.snapshot.payload(index.number, key);
  }

  scan(scan: Scan, expected: number = FIRST_CHUNK): EntryCursor {
    return new EntryCursor(this, scan, expected);
  }
}

/**
 * Entries one after another. It keeps no place in any layer but looks again after the last key, so
 * that a mutation may write to what it is reading.
 */
export class EntryCursor {
  private low: string;
  private high: string;
  private chunk: Entry[] = [];
  private position = 0;
  private snapshotDone = false;
  private chunkSize: number;

  constructor(
    private readonly view: View,
    private readonly scan: Scan,
    expected: number,
  ) {
    this.low = scan.low;
    this.high = scan.high;
    this.chunkSize = Math.min(Math.max(expected, 1), LARGEST_CHUNK);
  }

  next(): Entry | null {
    const { index, reverse } = this.scan;
    for (;;) {
      const stored = this.peekSnapshot();
      let key = stored?.key ?? null;
      for (const { indexes } of this.view.layers) {
        const found = indexes.get(index.number)?.seek(this.low, this.high, reverse) ?? null;
        if (found !== null && (key === null || found < key !== reverse)) key = found;
      }
      if (key === null) return null;
      if (key === stored?.key) this.position++;
      if (reverse) this.high = key;
      else this.low = `${key}\x00`;
      const payload = this.payload(key, stored);
      if (payload !== null) return { key, payload };
    }
  }

  private payload(key: string, stored: Entry | null): string | null {
    for (const { indexes } of this.view.layers) {
      const entry = indexes.get(this.scan.index.number)?.get(key);
      if (entry !== undefined) return entry;
    }
    // No layer speaks of the key, so it is the snapshot's.
    return stored?.payload ?? null;
  }

  private peekSnapshot(): Entry | null {
    const next = this.chunk[this.position];
    if (next !== undefined) return next;
    if (this.snapshotDone) return null;
    const size = this.chunkSize;
    const { table, index, reverse } = this.scan;
    const { snapshot } = this.view;
    this.chunk =
      index.kind === "id"
        ? snapshot.scanIds(idRange(table.number), this.low, this.high, reverse, size)
        : snapshot.scan(index.number, this.low, this.high, reverse, size);
    this.position = 0;
    this.snapshotDone = this.chunk.length < size;
    this.chunkSize = Math.min(size * 2, LARGEST_CHUNK);
    return this.chunk[0] ?? null;
  }
}
