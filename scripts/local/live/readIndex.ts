/**
 * Which subscriptions a commit touches, found by what they have read: documents by id, index
 * ranges in one interval tree per index. What a commit costs here depends on what it touches, not
 * on how many there are.
 */
import IntervalTree, { Interval } from "@flatten-js/interval-tree";
import type { Commit, ReadSet } from "../database/types";

export class ReadIndex<T> {
  private readonly documents = new Map<string, Set<T>>();
  private readonly ranges = new Map<number, Ranges<T>>();
  private readonly all = new Set<T>();

  add(reader: T, reads: ReadSet): void {
    this.all.add(reader);
    for (const id of reads.documents) {
      const readers = this.documents.get(id);
      if (readers === undefined) this.documents.set(id, new Set([reader]));
      else readers.add(reader);
    }
    for (const { index, low, high } of reads.ranges) {
      let ranges = this.ranges.get(index);
      if (ranges === undefined) this.ranges.set(index, (ranges = new Ranges()));
      ranges.add(low, high, reader);
    }
  }

  /** `reads` as they were added. */
  remove(reader: T, reads: ReadSet): void {
    this.all.delete(reader);
    for (const id of reads.documents) {
      const readers = this.documents.get(id);
      readers?.delete(reader);
      if (readers?.size === 0) this.documents.delete(id);
    }
    for (const { index, low, high } of reads.ranges) {
      const ranges = this.ranges.get(index);
      ranges?.remove(low, high, reader);
      if (ranges?.isEmpty === true) this.ranges.delete(index);
    }
  }

  touchedBy(commit: Commit): Set<T> {
    if (commit.newTables) return new Set(this.all);
    const touched = new Set<T>();
    for (const { id } of commit.writes) {
      for (const reader of this.documents.get(id) ?? []) touched.add(reader);
    }
    for (const [index, keys] of commit.entries) {
      const ranges = this.ranges.get(index);
      if (ranges === undefined) continue;
      for (const key of keys) ranges.collect(key, touched);
    }
    return touched;
  }
}

/** The ranges of one index, each with those who read it: the tree cannot tell equal ranges apart. */
class Ranges<T> {
  private readonly tree = new IntervalTree<Set<T>>();
  private readonly readers = new Map<string, Set<T>>();

  get isEmpty(): boolean {
    return this.readers.size === 0;
  }

  add(low: string, high: string, reader: T): void {
    if (low >= high) return;
    const name = nameOf(low, high);
    const known = this.readers.get(name);
    if (known !== undefined) {
      known.add(reader);
      return;
    }
    const readers = new Set([reader]);
    this.readers.set(name, readers);
    this.tree.insert(new Interval(low, high), readers);
  }

  remove(low: string, high: string, reader: T): void {
    const name = nameOf(low, high);
    const readers = this.readers.get(name);
    if (readers?.delete(reader) !== true || readers.size > 0) return;
    this.readers.delete(name);
    this.tree.remove(new Interval(low, high), readers);
  }

  /** The tree's intervals include their ends; a range of keys ends before `high`. */
  collect(key: string, into: Set<T>): void {
    this.tree.search(new Interval(key, key), (readers, { high }) => {
      if (String(high) !== key) for (const reader of readers) into.add(reader);
    });
  }
}

function nameOf(low: string, high: string): string {
  return `${low.length}:${low}${high}`;
}
