/** Reads a query lazily: the rows of its source, then its operators in the order of the chain. */
import { StoreDamaged } from "./damage";
import type { StoredDocument } from "./documents";
import { compileFilter, type Filter } from "./filter";
import type { QueryPlan } from "./plan";
import type { RecordedReads } from "./reads";
import { openSource, type Source, type SourceRow, type Window } from "./sources";
import type { DocumentJson, QueryJson } from "./types";
import type { View } from "./view";

/** `passed` counts the rows that have come as far as a limit. */
type Operator = { filter: Filter } | { limit: number; passed: number };

/** For one reading of the query. */
export function compileOperators(query: QueryJson): Operators {
  return query.operators.map((operator) =>
    "filter" in operator
      ? { filter: compileFilter(operator.filter) }
      : { limit: operator.limit, passed: 0 },
  );
}

export type Operators = readonly Operator[];

/** How many rows to fetch at first: what the query's own limit says, if it has one. */
export function expectedRows(operators: Operators): number | undefined {
  const first = operators[0];
  return first !== undefined && "limit" in first ? first.limit : undefined;
}

export type Row = { place: string; text: string };

/** What reading a row costs is counted here, so that an unread row costs nothing. */
export type Meter = { countQuery(): void; countRead(bytes: number): void };

export class RowStream {
  rowsRead = 0;
  bytesRead = 0;
  /** Asked after every row that the filters held back. */
  onRowPassed: (() => "stop" | "go on") | null = null;
  /** The place of the last row read, whether the filters let it through or not. */
  lastPlace: string | null = null;
  /** The places of all rows read, if somebody wants to split the page. */
  places: string[] | null = null;
  private readonly source: Source;

  constructor(
    private readonly view: View,
    plan: QueryPlan,
    private readonly operators: Operators,
    window: Window,
    expected: number,
    private readonly meter: Meter,
    private readonly reads: RecordedReads,
  ) {
    meter.countQuery();
    this.source = openSource(view, plan, window, expected, reads);
  }

  next(): Row | null {
    for (;;) {
      if (this.isLimited()) return null;
      const row = this.source.next();
      if (row === null) return null;
      const document = this.read(row);
      if (document !== null && this.admit(document))
        return { place: row.place, text: document.text };
      if (this.onRowPassed?.() === "stop") return null;
    }
  }

  /** Takes back the last row, whose reading a limit forbade. */
  dropLast(): void {
    this.places?.pop();
    this.lastPlace = this.places?.at(-1) ?? null;
  }

  private read(row: SourceRow): StoredDocument | null {
    const document = this.view.document(row.id);
    if (document === null) throw new StoreDamaged(`an index names ${row.id}, which is missing`);
    this.reads.addDocument(row.id);
    this.rowsRead++;
    this.bytesRead += document.size;
    this.lastPlace = row.place;
    this.places?.push(row.place);
    this.meter.countRead(document.size);
    return document;
  }

  private isLimited(): boolean {
    return this.operators.some(
      (operator) => "limit" in operator && operator.passed >= operator.limit,
    );
  }

  private admit(document: StoredDocument): boolean {
    const parsed =
      this.source.mustConfirm || this.operators.some((operator) => "filter" in operator)
        ? (JSON.parse(document.text) as DocumentJson)
        : null;
    if (parsed !== null && !this.source.confirm(parsed)) return false;
    for (const operator of this.operators) {
      if ("limit" in operator) operator.passed++;
      else if (parsed === null || !operator.filter(parsed)) return false;
    }
    return true;
  }
}
