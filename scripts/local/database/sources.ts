/** The rows that a plan reads, one after another and no earlier than they are asked for. */
import { sound } from "./damage";
import { readField } from "./documents";
import { encodeKey, idOfKey } from "./keys";
import { MAX_SEARCH_RESULTS } from "./limits";
import type { QueryPlan } from "./plan";
import type { ReadRange, RecordedReads } from "./reads";
import { findMatches } from "./search";
import type { SearchPlan } from "./searchPlan";
import type { DocumentJson } from "./types";
import type { EntryCursor, Scan, View } from "./view";

/** The part of a query that a page covers: `(after, upTo]` in the places of its rows. */
export type Window = { after: string | null; upTo: string | null };

/** A row before its document is read; `place` says where it stands among the others. */
export type SourceRow = { place: string; id: string };

export interface Source {
  next(): SourceRow | null;
  /** Whether the row's document is one after all; entries of a search are only probable. */
  confirm(document: DocumentJson): boolean;
  readonly mustConfirm: boolean;
}

class ScanSource implements Source {
  readonly mustConfirm = false;
  private readonly cursor: EntryCursor;
  private readonly range: ReadRange;
  private readonly end: ReadRange;

  constructor(
    view: View,
    private readonly scan: Scan,
    window: Window,
    expected: number,
    reads: RecordedReads,
  ) {
    const { reverse } = scan;
    let { low, high } = scan;
    // A cursor can only narrow the range of its query, whatever it says.
    const after = window.after;
    const upTo = window.upTo;
    if (after !== null) {
      if (reverse) high = min(high, after);
      else low = max(low, `${after}\x00`);
    }
    if (upTo !== null) {
      if (reverse) low = max(low, upTo);
      else high = min(high, `${upTo}\x00`);
    }
    this.end = { index: scan.index.number, low, high };
    this.range = reverse ? { ...this.end, low: high } : { ...this.end, high: low };
    reads.addRange(this.range);
    this.cursor = view.scan({ ...scan, low, high }, expected);
  }

  next(): SourceRow | null {
    const entry = this.cursor.next();
    const { reverse } = this.scan;
    if (entry === null) {
      this.range.low = this.end.low;
      this.range.high = this.end.high;
      return null;
    }
    if (reverse) this.range.low = entry.key;
    else this.range.high = `${entry.key}\x00`;
    return { place: entry.key, id: sound(() => idOfKey(entry.key)) };
  }

  confirm(): boolean {
    return true;
  }
}

class SearchSource implements Source {
  readonly mustConfirm = true;
  private readonly matches: SourceRow[];
  private position = 0;

  constructor(
    view: View,
    private readonly plan: SearchPlan,
    window: Window,
    reads: RecordedReads,
  ) {
    const matches = findMatches(plan, view, (range) => {
      reads.addRange(range);
    });
    this.matches = matches.filter(
      ({ place }) =>
        (window.after === null || place > window.after) &&
        (window.upTo === null || place <= window.upTo),
    );
  }

  next(): SourceRow | null {
    if (this.position === MAX_SEARCH_RESULTS) {
      throw new Error(
        `Search query scanned too many documents (fetched ${MAX_SEARCH_RESULTS}). Consider using ` +
          "a smaller limit, paginating the query, or using a filter field to limit the number of " +
          "documents pulled from the search index.",
      );
    }
    return this.matches[this.position++] ?? null;
  }

  confirm(document: DocumentJson): boolean {
    return this.plan.filters.every(
      ({ fieldPath, key }) => encodeKey(readField(document, fieldPath)) === key,
    );
  }
}

const EMPTY_SOURCE: Source = { next: () => null, confirm: () => true, mustConfirm: false };

export function openSource(
  view: View,
  plan: QueryPlan,
  window: Window,
  expected: number,
  reads: RecordedReads,
): Source {
  switch (plan.source) {
    case "scan":
      return new ScanSource(view, plan.scan, window, expected, reads);
    case "search":
      return new SearchSource(view, plan.search, window, reads);
    case "empty":
      return EMPTY_SOURCE;
  }
}

function max(a: string, b: string): string {
  return a > b ? a : b;
}

function min(a: string, b: string): string {
  return a < b ? a : b;
}
