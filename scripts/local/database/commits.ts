/**
 * Runs mutations one after another and makes their commits durable. While a flush runs, the
 * mutations that commit meanwhile collect, and share the next one: one mutation waits for one
 * write to the disk, and sixteen of them wait for about as long.
 */
import { EmbeddedTransaction, type TransactionHost } from "./transaction";
import { Overlay } from "./overlay";
import type { Snapshot, Store } from "./store";
import type { Commit } from "./types";
import { View } from "./view";

/** Commits that reach the disk together. */
class Group {
  readonly writes = new Overlay();
  readonly commits: Commit[] = [];
  readonly durable: Promise<void>;
  lastTs = 0n;
  settle!: { resolve: () => void; reject: (error: unknown) => void };

  constructor() {
    this.durable = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Whoever waits sees the failure; if nobody does, it must not end the process.
    this.durable.catch(() => undefined);
  }
}

const NANOSECONDS = 1_000_000n;
/** The step of creation times: what a float64 of today's milliseconds can still tell apart. */
const CREATION_STEP = 0.001;

export class Commits {
  private tail: Promise<unknown> = Promise.resolve();
  /** Mutations that wait for their turn. */
  private queued = 0;
  private collecting = new Group();
  private flushing: Group | null = null;
  private isFlushing = false;
  /** Grows when a flush fails: what was built on its commits must fail too. */
  private epoch = 0;
  private lastTs: bigint;
  private lastCreationTime: number;
  private counts = new Map<number, number>();
  private savedCatalogue = -1;
  /** The version of the catalogue at the last commit. */
  private seenCatalogue: number;
  private readonly listeners = new Set<(commit: Commit) => void>();

  constructor(
    private readonly store: Store,
    private readonly host: () => TransactionHost,
    private readonly now: () => number,
  ) {
    const snapshot = store.snapshot();
    this.lastTs = lastTsOf(snapshot);
    this.lastCreationTime = Number(snapshot.meta("lastCreationTime") ?? 0);
    snapshot.release();
    this.seenCatalogue = host().catalogue.version;
  }

  /** The catalogue was changed outside of a commit, as a whole. */
  catalogueChanged(): void {
    this.seenCatalogue = this.host().catalogue.version;
  }

  nextCreationTime(): number {
    this.lastCreationTime = Math.max(this.now(), this.lastCreationTime + CREATION_STEP);
    return this.lastCreationTime;
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Runs `task` when everything queued before it is done, and nothing beside it. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.catch(() => undefined);
    return result;
  }

  async mutation<T>(
    run: (tx: EmbeddedTransaction) => Promise<T>,
  ): Promise<{ value: T; commitTs: bigint }> {
    this.queued++;
    const { value, commitTs, durable } = await this.exclusive(() => {
      this.queued--;
      return this.runOne(run);
    });
    await durable;
    return { value, commitTs };
  }

  /**
   * A change of the whole store that is no mutation. It gets a commit timestamp, and every reader is
   * taken to have read what it changed.
   */
  async rewrite(change: (commitTs: bigint) => void): Promise<bigint> {
    return await this.exclusive(async () => {
      await this.flushed();
      const ts = this.nextTs();
      change(ts);
      this.counts.clear();
      this.savedCatalogue = -1;
      this.catalogueChanged();
      const commit = { ts, writes: [], entries: new Map(), newTables: true };
      for (const listener of this.listeners) tell(listener, commit);
      return ts;
    });
  }

  /** Everything that has committed until now is on disk. */
  async flushed(): Promise<void> {
    await Promise.all(this.pending().map(({ durable }) => durable));
  }

  private async runOne<T>(
    run: (tx: EmbeddedTransaction) => Promise<T>,
  ): Promise<{ value: T; commitTs: bigint; durable: Promise<void> }> {
    const { epoch, lastTs } = this;
    const snapshot = this.store.snapshot();
    const seen = unseenBy(snapshot, this.pending());
    const layers = seen.map(({ writes }) => writes);
    const tx = new EmbeddedTransaction(this.host(), new View(snapshot, layers), () => lastTs, true);
    try {
      const value = await run(tx);
      if (epoch !== this.epoch) throw new Error("A write to the disk failed; nothing was saved.");
      if (tx.writes.isEmpty) {
        // It may have read what is not on disk yet, and must not tell before it is.
        const durable = Promise.all(seen.map((group) => group.durable)).then(() => undefined);
        return { value, commitTs: this.lastTs, durable };
      }
      const commitTs = this.nextTs();
      const group = this.collect(tx, commitTs);
      return { value, commitTs, durable: group.durable };
    } finally {
      tx.end();
      snapshot.release();
    }
  }

  /** The groups that are not on disk yet, the latest first. */
  private pending(): Group[] {
    const groups = [this.collecting, this.flushing];
    return groups.filter((group): group is Group => group !== null && !group.writes.isEmpty);
  }

  private nextTs(): bigint {
    const now = BigInt(Math.floor(this.now())) * NANOSECONDS;
    this.lastTs = now > this.lastTs ? now : this.lastTs + 1n;
    return this.lastTs;
  }

  private collect(tx: EmbeddedTransaction, commitTs: bigint): Group {
    const { catalogue } = this.host();
    tx.resolveCommitTs(commitTs);
    const group = this.collecting;
    group.writes.absorb(tx.writes);
    group.lastTs = commitTs;
    group.commits.push({
      ts: commitTs,
      writes: [...tx.writes.documents].map(([id, document]) => ({
        table: catalogue.tableOfId(id)?.name ?? "",
        id,
        document: document?.text ?? null,
      })),
      entries: new Map([...tx.writes.indexes].map(([index, entries]) => [index, entries.keys()])),
      newTables: catalogue.version !== this.seenCatalogue,
    });
    this.seenCatalogue = catalogue.version;
    if (!this.isFlushing) void this.flush();
    return group;
  }

  private async flush(): Promise<void> {
    this.isFlushing = true;
    for (;;) {
      // Whoever is ready to run gets to join this one.
      if (this.queued > 0) await new Promise(setImmediate);
      if (this.collecting.writes.isEmpty) break;
      const group = this.collecting;
      this.flushing = group;
      this.collecting = new Group();
      const { catalogue } = this.host();
      try {
        await this.store.write(group.writes, this.metaOf(group), catalogue);
      } catch (error) {
        this.fail(group, error);
        continue;
      }
      this.flushing = null;
      group.settle.resolve();
      for (const commit of group.commits) {
        for (const listener of this.listeners) tell(listener, commit);
      }
    }
    this.isFlushing = false;
  }

  private fail(group: Group, error: unknown): void {
    const { collecting } = this;
    this.epoch++;
    this.flushing = null;
    this.collecting = new Group();
    this.counts.clear();
    this.savedCatalogue = -1;
    group.settle.reject(error);
    collecting.settle.reject(error);
  }

  private metaOf(group: Group): Map<string, string> {
    const meta = new Map<string, string>();
    meta.set("lastTs", String(group.lastTs));
    meta.set("lastCreationTime", String(this.lastCreationTime));
    for (const [table, change] of group.writes.counts) {
      const count = this.countOf(table) + change;
      this.counts.set(table, count);
      meta.set(`count ${table}`, String(count));
    }
    // Tables come to exist by being written to; they are saved with the first document.
    const { catalogue } = this.host();
    if (catalogue.version !== this.savedCatalogue) {
      this.savedCatalogue = catalogue.version;
      meta.set("catalogue", catalogue.print());
    }
    return meta;
  }

  private countOf(table: number): number {
    const known = this.counts.get(table);
    if (known !== undefined) return known;
    const snapshot = this.store.snapshot();
    const count = Number(snapshot.meta(`count ${table}`) ?? 0);
    snapshot.release();
    return count;
  }
}

/** A flush can be in the snapshot already and not yet reported; it must not count twice. */
function unseenBy(snapshot: Snapshot, groups: Group[]): Group[] {
  if (groups.length === 0) return groups;
  const onDisk = lastTsOf(snapshot);
  return groups.filter(({ lastTs }) => lastTs > onDisk);
}

export function lastTsOf(snapshot: Snapshot): bigint {
  return BigInt(snapshot.meta("lastTs") ?? 0);
}

/** The commit is on disk; what a listener makes of it must not stop the next one. */
function tell(listener: (commit: Commit) => void, commit: Commit): void {
  try {
    listener(commit);
  } catch (error) {
    console.error("A listener for commits failed:", error);
  }
}
