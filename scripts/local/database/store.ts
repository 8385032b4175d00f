/**
 * The store on disk: one LMDB environment with three key spaces. `documents` keeps each document's
 * printed JSON by id, `entries` all indexes in one ordered space, `meta` everything small. All
 * three change in one LMDB transaction, so that a crash leaves all of a commit or nothing.
 */
import { type Database, open, type RootDatabase, type Transaction as ReadTransaction } from "lmdb";
import { createHash } from "node:crypto";
import { DamageFound, sound } from "./damage";
import { DiskSpace } from "./diskSpace";
import type { StoredDocument } from "./documents";
import { encodeKey } from "./keys";
import type { Overlay } from "./overlay";

/** LMDB takes keys of 1,978 bytes; what is longer is cut here and told apart by its digest. */
const MAX_KEY_BYTES = 1_600;
const DIGEST_BYTES = 16;
export const INDEX_BYTES = 4;
/** Address space, not memory or disk: the file grows with its contents, and the map with it. */
const MAP_BYTES = 2 ** 34;
/** Of a changed byte, the pages that are written anew for it: a bound that is rarely met. */
const GROWTH = 4;
/** Five characters of base 36 in front of a document hold its size, so that reads need not parse. */
const SIZE_CHARACTERS = 5;

export type Entry = { key: string; payload: string };
export type Space = "documents" | "entries";
export type Row = { key: string; value: string };

/** Bounds of the ids of one table. */
export type IdRange = { first: string; last: string };

/** What a change of the whole store does, and sees of what it has done. */
export type StoreWriter = {
  document(id: string): boolean;
  putDocument(id: string, document: StoredDocument): void;
  removeDocuments(ids: IdRange): void;
  entry(index: number, key: string): string | null;
  writeEntry(index: number, key: string, payload: string | null): void;
  meta(key: string): string | undefined;
  putMeta(key: string, value: string): void;
};

/** The methods of Buffer work on any Uint8Array, which their types do not say. */
type WriteText = (
  this: Uint8Array,
  text: string,
  offset: number,
  length: number,
  encoding: "latin1",
) => number;
type ReadText = (this: Uint8Array, encoding: "latin1", start: number, end: number) => string;
const { write: writeLatin1, toString: readLatin1 } = Buffer.prototype as unknown as {
  write: WriteText;
  toString: ReadText;
};

/** Keys are strings of bytes (`keys.ts`); this hands them to LMDB without a Buffer for each. */
const keyEncoder = {
  writeKey(key: string, target: Uint8Array, start: number): number {
    // A RangeError tells LMDB to try again with a fresh buffer.
    if (start + key.length > target.length) throw new RangeError("The key does not fit.");
    return start + writeLatin1.call(target, key, start, key.length, "latin1");
  },
  readKey(source: Uint8Array, start: number, end: number): string {
    return readLatin1.call(source, "latin1", start, end);
  },
};

export class Store {
  private snapshotIsStale = false;

  private constructor(
    private readonly disk: DiskSpace,
    private readonly root: RootDatabase<string, string>,
    private readonly documents: Database<string, string>,
    private readonly entries: Database<string, string>,
    private readonly meta: Database<string, string>,
  ) {}

  static open(path: string): Store {
    const root = open<string, string>({
      path,
      noSubdir: false,
      encoding: "string",
      keyEncoder,
      mapSize: MAP_BYTES,
      maxDbs: 8,
      maxReaders: 1_024,
      // A commit is reported when it is on disk. Overlapping flushes report it before, and with
      // commits grouped as here they are no faster.
      overlappingSync: false,
      // All writes come in batches of our own. One that LMDB makes around them has a promise of its
      // own, which nobody gets to hold, and which is rejected when the commit fails.
      eventTurnBatching: false,
    });
    const space = (name: string): Database<string, string> =>
      root.openDB<string, string>({ name, encoding: "string", keyEncoder } as never);
    return new Store(
      new DiskSpace(path),
      root,
      space("documents"),
      space("entries"),
      space("meta"),
    );
  }

  isEmpty(): boolean {
    const first = { start: "\x00", end: "\xff", limit: 1 };
    return [...this.documents.getKeys(first), ...this.entries.getKeys(first)].length === 0;
  }

  snapshot(): Snapshot {
    // Snapshots of one state share a read transaction, of which LMDB has a limited number.
    if (this.snapshotIsStale) this.root.resetReadTxn();
    this.snapshotIsStale = false;
    return new Snapshot(
      this.root.useReadTransaction(),
      this.root,
      this.documents,
      this.entries,
      this.meta,
    );
  }

  /** Writes everything in one LMDB transaction and resolves when that is on disk. */
  async write(
    overlay: Overlay,
    meta: ReadonlyMap<string, string>,
    catalogue: { isById(index: number): boolean },
  ): Promise<void> {
    this.disk.take(GROWTH * overlay.sizeOfDocuments());
    await this.commit(() => {
      let last: Promise<boolean> | undefined;
      for (const [id, document] of overlay.documents) {
        last =
          document === null
            ? this.documents.remove(id)
            : this.documents.put(id, packDocument(document));
      }
      for (const [index, entries] of overlay.indexes) {
        if (catalogue.isById(index)) continue;
        for (const [key, payload] of entries) last = this.writeEntry(index, key, payload);
      }
      for (const [key, value] of meta) last = this.meta.put(key, value);
      return last;
    });
  }

  /**
   * Runs `change` in one LMDB transaction that holds this thread until it is on disk: for changes too
   * large to be collected in memory first. A throw leaves everything as it was.
   */
  rewrite(change: (writer: StoreWriter) => void): void {
    const writer: StoreWriter = {
      document: (id) => this.documents.get(id) !== undefined,
      putDocument: (id, document) => void this.documents.put(id, packDocument(document)),
      removeDocuments: ({ first, last }) => {
        const range = {
          start: trimToId(encodeKey(first)),
          end: `${trimToId(encodeKey(last))}\xff`,
        };
        for (const id of [...this.documents.getKeys(range)]) void this.documents.remove(id);
      },
      entry: (index, key) => {
        const stored = this.entries.get(encodeIndex(index) + shorten(key));
        return stored === undefined ? null : unpackEntry(shorten(key), stored).payload;
      },
      writeEntry: (index, key, payload) => void this.writeEntry(index, key, payload),
      meta: (key) => this.meta.get(key),
      putMeta: (key, value) => void this.meta.put(key, value),
    };
    try {
      this.root.transactionSync(() => {
        change(writer);
      });
    } finally {
      this.snapshotIsStale = true;
    }
  }

  /** Removes up to `limit` entries of an index that is no longer used; true if none is left. */
  async removeEntries(index: number, limit: number): Promise<boolean> {
    const prefix = encodeIndex(index);
    const range = { start: prefix, end: encodeIndex(index + 1), limit };
    const keys = [...this.entries.getKeys(range)];
    await this.commit(() => {
      let last: Promise<boolean> | undefined;
      for (const key of keys) last = this.entries.remove(key);
      return last;
    });
    return keys.length < limit;
  }

  async close(): Promise<void> {
    await this.root.close();
  }

  /** `writeAll` returns the promise of its last write; LMDB gives all of a commit the same one. */
  private async commit(writeAll: () => Promise<boolean> | undefined): Promise<void> {
    try {
      await this.root.batch(() => {
        writeAll()?.catch(() => undefined);
      });
    } catch (error) {
      throw new Error(`Cannot write to the disk: ${await reasonOf(error)}`, { cause: error });
    } finally {
      this.snapshotIsStale = true;
    }
  }

  private writeEntry(index: number, key: string, payload: string | null): Promise<boolean> {
    const stored = encodeIndex(index) + shorten(key);
    return payload === null
      ? this.entries.remove(stored)
      : this.entries.put(stored, packPayload(key, payload));
  }
}

/**
 * Copies a store as it is at this moment into an empty folder. It only reads, so that another process
 * may hold the store and write to it meanwhile.
 */
export async function copyStore(from: string, to: string): Promise<void> {
  const root = open({ path: from, noSubdir: false, readOnly: true, maxReaders: 1_024, maxDbs: 8 });
  try {
    await root.backup(to, true);
  } finally {
    await root.close();
  }
}

/** The state of the store at one commit, unchanged until it is released. */
export class Snapshot {
  private released = false;

  constructor(
    private readonly transaction: ReadTransaction,
    private readonly root: RootDatabase<string, string>,
    private readonly documents: Database<string, string>,
    private readonly entries: Database<string, string>,
    private readonly metaSpace: Database<string, string>,
  ) {}

  document(id: string): StoredDocument | null {
    return sound(() => {
      const packed = this.read(this.documents, id);
      return packed === undefined ? null : unpackDocument(id, packed);
    });
  }

  meta(key: string): string | undefined {
    return sound(() => this.read(this.metaSpace, key));
  }

  /** What one entry holds; null if there is none. */
  payload(index: number, key: string): string | null {
    const stored = encodeIndex(index) + shorten(key);
    const value = sound(() => this.read(this.entries, stored));
    return value === undefined ? null : unpackEntry(stored.slice(INDEX_BYTES), value).payload;
  }

  /** The first `limit` entries (in reverse: the last) with `low <= key < high`. */
  scan(index: number, low: string, high: string, reverse: boolean, limit: number): Entry[] {
    return sound(() => this.scanEntries(index, low, high, reverse, limit));
  }

  private scanEntries(
    index: number,
    low: string,
    high: string,
    reverse: boolean,
    limit: number,
  ): Entry[] {
    const prefix = encodeIndex(index);
    const found: Entry[] = [];
    let run: Entry[] = [];
    let runPrefix = "";
    const walk = { low: prefix + cut(low), high: prefix + endOf(high), reverse };
    for (const { key: stored, value } of this.walk(this.entries, walk)) {
      const shortened = stored.length > INDEX_BYTES + MAX_KEY_BYTES;
      const cutKey = shortened ? stored.slice(0, INDEX_BYTES + MAX_KEY_BYTES) : "";
      if (run.length > 0 && cutKey !== runPrefix) {
        flushRun(run, found, reverse);
        run = [];
      }
      if (run.length === 0 && found.length >= limit) break;
      const entry = unpackEntry(stored.slice(INDEX_BYTES), value);
      if (entry.key < low || entry.key >= high) continue;
      if (shortened) {
        runPrefix = cutKey;
        run.push(entry);
      } else {
        found.push(entry);
        if (found.length >= limit) break;
      }
    }
    flushRun(run, found, reverse);
    return found;
  }

  /** As `scan`, over the documents of a table in the order of their ids. */
  scanIds(ids: IdRange, low: string, high: string, reverse: boolean, limit: number): Entry[] {
    return sound(() => this.scanDocuments(ids, low, high, reverse, limit));
  }

  private scanDocuments(
    ids: IdRange,
    low: string,
    high: string,
    reverse: boolean,
    limit: number,
  ): Entry[] {
    const found: Entry[] = [];
    const from = max(encodeKey(ids.first), low);
    const to = min(encodeKey(ids.last), high);
    if (from >= to) return found;
    const walk = { low: trimToId(from), high: `${trimToId(to)}\xff`, reverse };
    for (const { key: id } of this.walk(this.documents, walk)) {
      const key = encodeKey(id);
      if (key < low || key >= high) continue;
      found.push({ key, payload: "" });
      if (found.length >= limit) break;
    }
    return found;
  }

  private read(space: Database<string, string>, key: string): string | undefined {
    return space.get(key, { transaction: this.transaction });
  }

  /**
   * The rows of a range, one after another. It ends at the first key beyond the range, and only if the
   * one after that lies beyond it as well: a single key in which a bit has turned ends no list.
   */
  private *walk(
    space: Database<string, string>,
    { low, high, reverse }: { low: string; high: string; reverse: boolean },
  ): Generator<Row> {
    const range = {
      ...this.inTransaction(),
      ...(reverse ? { start: high, end: "", reverse, exclusiveStart: true } : { start: low }),
    };
    let before: string | null = null;
    let isOver = false;
    for (const row of space.getRange(range)) {
      const { key } = row;
      if (before !== null && key > before === reverse) throw outOfOrder();
      before = key;
      const isBeyond = reverse ? key < low : key >= high;
      if (isOver && !isBeyond) throw outOfOrder();
      if (isOver) return;
      isOver = isBeyond;
      if (!isOver) yield row;
    }
  }

  /** All rows of one space, as they are stored. @throws DamageFound, or an error of LMDB */
  rows(space: Space): Iterable<Row> {
    return this.walk(this[space], { low: "", high: "\xff".repeat(8), reverse: false });
  }

  /** How many rows LMDB believes a space to have. */
  sizeOf(space: Space): number {
    return (this[space].getStats() as { entryCount: number }).entryCount;
  }

  has(id: string): boolean {
    return this.documents.doesExist(id);
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.transaction.done();
  }

  /**
   * For a range: LMDB keeps a cursor for its current transaction, which mostly is this one, and makes
   * one anew for a transaction that it is told. One that is held is never renewed, only replaced.
   */
  private inTransaction(): { transaction?: ReadTransaction } {
    const current = this.root.useReadTransaction();
    current.done();
    return current === this.transaction ? {} : { transaction: this.transaction };
  }
}

/** LMDB says why a commit failed in a promise that hangs on the error. */
async function reasonOf(error: unknown): Promise<string> {
  const reason: unknown =
    typeof error === "object" && error !== null && "commitError" in error
      ? await Promise.resolve(error.commitError).catch((cause: unknown) => cause)
      : error;
  return reason instanceof Error ? reason.message : String(reason);
}

function outOfOrder(): DamageFound {
  return new DamageFound("keys are out of order");
}

function encodeIndex(index: number): string {
  return String.fromCharCode(index >>> 24, (index >>> 16) & 255, (index >>> 8) & 255, index & 255);
}

/** A range bound as far as it is stored; entries behind a cut bound are compared in full. */
function cut(key: string): string {
  return key.length > MAX_KEY_BYTES ? key.slice(0, MAX_KEY_BYTES) : key;
}

function endOf(high: string): string {
  return high.length > MAX_KEY_BYTES ? `${high.slice(0, MAX_KEY_BYTES)}${"\xff".repeat(32)}` : high;
}

/** The key under which a long one is stored: keys of equal beginning are sorted when read. */
function shorten(key: string): string {
  if (key.length <= MAX_KEY_BYTES) return key;
  const digest = createHash("sha256").update(key, "latin1").digest("binary");
  return key.slice(0, MAX_KEY_BYTES) + digest.slice(0, DIGEST_BYTES);
}

function packPayload(key: string, payload: string): string {
  if (key.length <= MAX_KEY_BYTES) return payload;
  const tail = key.slice(MAX_KEY_BYTES);
  return `${tail.length}:${tail}${payload}`;
}

export function unpackEntry(stored: string, value: string): Entry {
  if (stored.length <= MAX_KEY_BYTES) return { key: stored, payload: value };
  const colon = value.indexOf(":");
  const end = colon + 1 + Number(value.slice(0, colon));
  return {
    key: stored.slice(0, MAX_KEY_BYTES) + value.slice(colon + 1, end),
    payload: value.slice(end),
  };
}

function flushRun(run: Entry[], found: Entry[], reverse: boolean): void {
  run.sort((a, b) => (a.key < b.key === reverse ? 1 : -1));
  found.push(...run);
}

function packDocument({ text, size }: StoredDocument): string {
  return size.toString(36).padStart(SIZE_CHARACTERS, "0") + text;
}

export function unpackDocument(id: string, packed: string): StoredDocument {
  const size = Number.parseInt(packed.slice(0, SIZE_CHARACTERS), 36);
  if (!(size >= 0)) throw new DamageFound(`document ${id} has no size`);
  return { text: packed.slice(SIZE_CHARACTERS), size };
}

/** Keys of `by_id` are `string tag, id, end`; the documents are kept under the bare id. */
function trimToId(key: string): string {
  return /^\x60?([0-9a-z]*)/.exec(key)?.[1] ?? "";
}

function max(a: string, b: string): string {
  return a > b ? a : b;
}

function min(a: string, b: string): string {
  return a < b ? a : b;
}
