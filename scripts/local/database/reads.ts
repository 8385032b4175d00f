/** What a transaction has read: index ranges and single documents. */
import type { Commit, ReadSet } from "./types";

/** A range of one index, `low <= key < high`. It grows while its query is read. */
export type ReadRange = { index: number; low: string; high: string };

export class RecordedReads implements ReadSet {
  readonly ranges: ReadRange[] = [];
  readonly documents = new Set<string>();

  addDocument(id: string): void {
    this.documents.add(id);
  }

  addRange(range: ReadRange): void {
    this.ranges.push(range);
  }

  touchedBy(commit: Commit): boolean {
    if (commit.newTables) return true;
    const { documents } = this;
    if (documents.size > 0 && commit.writes.some(({ id }) => documents.has(id))) return true;
    for (const { index, low, high } of this.ranges) {
      const keys = commit.entries.get(index);
      if (keys?.some((key) => key >= low && key < high)) return true;
    }
    return false;
  }
}
