/** Reads a query lazily: the rows of its source, then its operators in the order of the chain. */
import type { StoredDocument } from "./documents";
import { compileFilter, type Filter } from "./filter";
import type { QueryPlan } from "./plan";
import type { RecordedReads } from "./reads";
import { openSource, type Source, type SourceRow, type Window } from "./sources";
import type { DocumentJson, QueryJson } from "./types";
import type { View } from "./view";

export type Operator = { filter: Filter } | { limit: number };

export function compileOperators(query: QueryJson): Operator[] {
  return query.operators.map((operator) =>
    "filter" in operator ? { filter: compileFilter(operator.filter) } : { limit: operator.limit },
  );
}

/** How many rows to fetch at first: what the query's own limit says, if it has one. */
export function expectedRows(operators: readonly Operator[]): number | undefined {
  const first = operators[0];
  return first !== undefined && "limit" in first ? first.limit : undefined;
}

export type Row = { place: string; text: string };

/** What reading a row costs is counted here, so that an unread row costs nothing. */
export type Meter = { countQuery(): void; countRead(bytes: number): void };

export class RowStream {
  rowsRead = 0;
  /** Asked after every row that the filters held back. */
  onRowPassed: (() => "stop" | "go on") | null = null;
  /** The place of the last row read, whether the filters let it through or not. */
  lastPlace: string | null = null;
  /** The places of all rows read, if somebody wants to split the page. */
  places: string[] | null = null;
  private readonly source: Source;
  private readonly passed: number[];
  private lookahead: SourceRow | null | undefined;

  constructor(
    private readonly view: View,
    plan: QueryPlan,
    private readonly operators: readonly Operator[],
    window: Window,
    expected: number,
    private readonly meter: Meter,
    private readonly reads: RecordedReads,
  ) {
    meter.countQuery();
    this.passed = operators.map(() => 0);
    this.source = openSource(view, plan, window, expected, reads);
  }

  next(): Row | null {
    for (;;) {
      if (this.isLimited()) return null;
      const row = this.lookahead ?? (this.lookahead === null ? null : this.source.next());
      this.lookahead = row === null ? null : undefined;
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

  /** Whether nothing is left to read, without reading a document. */
  isAtEnd(): boolean {
    if (this.isLimited()) return true;
    if (this.lookahead === undefined) this.lookahead = this.source.next();
    return this.lookahead === null;
  }

  private read(row: SourceRow): StoredDocument | null {
    const document = this.view.document(row.id);
    if (document === null) throw new Error(`The index names a document ${row.id} that is missing.`);
    this.reads.addDocument(row.id);
    this.rowsRead++;
    this.lastPlace = row.place;
    this.places?.push(row.place);
    this.meter.countRead(document.size);
    return document;
  }

  private isLimited(): boolean {
    return this.operators.some(
      (operator, i) => "limit" in operator && this.passed[i]! >= operator.limit,
    );
  }

  private admit(document: StoredDocument): boolean {
    const parsed =
      this.source.mustConfirm || this.operators.some((operator) => "filter" in operator)
        ? (JSON.parse(document.text) as DocumentJson)
        : null;
    if (parsed !== null && !this.source.confirm(parsed)) return false;
    for (const [i, operator] of this.operators.entries()) {
      if ("limit" in operator) this.passed[i]!++;
      else if (!operator.filter(parsed!)) return false;
    }
    return true;
  }
}
