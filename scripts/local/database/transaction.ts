/** One function's view of the database, and the writes it has made so far. */
import { type Catalogue, idIndex, type TableEntry } from "./catalogue";
import type { Cursors } from "./cursor";
import { decodeId, parseId } from "./ids";
import { Overlay } from "./overlay";
import { readPage } from "./page";
import { planQuery } from "./plan";
import { compileOperators, expectedRows, RowStream } from "./query";
import { RecordedReads } from "./reads";
import { isReadableByFunctions, isSystemTable } from "./system";
import type {
  DocumentJson,
  DocumentText,
  Metrics,
  PageRequest,
  PageResult,
  QueryJson,
  Savepoint,
  SystemTables,
  TableDescription,
  Transaction,
} from "./types";
import { Usage } from "./usage";
import type { View } from "./view";
import { Writer, type WriteClock } from "./writer";

export type TransactionHost = {
  catalogue: Catalogue;
  cursors: Cursors;
  clock: WriteClock;
};

const UNCOUNTED = { countQuery: () => undefined, countRead: () => undefined };

export class EmbeddedTransaction implements Transaction {
  readonly reads = new RecordedReads();
  readonly system: SystemTables;
  readonly writes = new Overlay();
  private readonly view: View;
  private readonly writer: Writer;
  private readonly usage = new Usage();
  private readonly streams = new Map<number, RowStream>();
  private nextQueryId = 0;
  private ended = false;

  constructor(
    private readonly host: TransactionHost,
    base: View,
    private readonly readSnapshotTs: () => bigint,
    readonly writable: boolean,
  ) {
    this.view = writable ? base.under(this.writes) : base;
    this.writer = new Writer(host.catalogue, this.view, this.writes, host.clock);
    this.system = this.openSystem();
  }

  get snapshotTs(): bigint {
    return this.readSnapshotTs();
  }

  get(id: string): DocumentText | null {
    this.checkOpen();
    const table = this.tableOf(id, "db.get");
    if (table === null || !isReadableByFunctions(table.name)) return null;
    this.reads.addDocument(id);
    const document = this.view.document(id);
    this.usage.countQuery();
    if (document === null) return null;
    this.usage.countRead(document.size);
    return document.text;
  }

  insert(table: string, value: DocumentJson): string {
    this.checkWritable();
    if (isSystemTable(table)) {
      throw new Error("System tables (prefixed with `_`) are read-only.");
    }
    const { id, size } = this.writer.insert(table, value);
    this.usage.countWrite(size);
    return id;
  }

  shallowMerge(id: string, value: DocumentJson): void {
    const table = this.tableToWrite(id, "db.patch", "Update");
    this.countWrite(this.writer.shallowMerge(table, id, value));
  }

  replace(id: string, value: DocumentJson): void {
    const table = this.tableToWrite(id, "db.replace", "Replace");
    this.countWrite(this.writer.replace(table, id, value));
  }

  remove(id: string): void {
    const table = this.tableToWrite(id, "db.delete", "Delete");
    const { size } = this.writer.remove(table, id);
    this.reads.addDocument(id);
    this.usage.countRead(size);
    this.usage.countWrite(0);
  }

  count(table: string): number {
    this.checkOpen();
    const entry = isReadableByFunctions(table) ? this.host.catalogue.table(table) : null;
    if (entry === null) return 0;
    this.reads.addRange({ index: idIndex(entry).number, low: "", high: "\xff" });
    this.usage.countQuery();
    return this.view.count(entry.number);
  }

  normalizeId(table: string, idString: string): string | null {
    const id = decodeId(idString);
    if (id === null || this.host.catalogue.tableName(id.tableNumber) !== table) return null;
    return idString;
  }

  tables(): TableDescription[] {
    this.checkOpen();
    return this.host.catalogue.tables
      .filter(({ name }) => !isSystemTable(name))
      .map(({ name, number, validator }) => {
        return { name, number, documents: this.view.count(number), validator };
      });
  }

  openQuery(query: QueryJson): number {
    this.checkOpen();
    const id = this.nextQueryId++;
    this.streams.set(id, this.stream(query));
    return id;
  }

  next(queryId: number): DocumentText | null {
    this.checkOpen();
    const stream = this.streams.get(queryId);
    if (stream === undefined) throw new Error(`Query ${queryId} is not open.`);
    const row = stream.next();
    if (row === null) this.streams.delete(queryId);
    return row === null ? null : row.text;
  }

  closeQuery(queryId: number): void {
    this.streams.delete(queryId);
  }

  page(request: PageRequest): PageResult {
    this.checkOpen();
    const { query } = request;
    const plan = planQuery(this.host.catalogue, query.source, false);
    const operators = compileOperators(query);
    const text = JSON.stringify([query.source, query.operators]);
    return readPage(
      request,
      text,
      this.host.cursors,
      (window, expected) =>
        new RowStream(this.view, plan, operators, window, expected, this.usage, this.reads),
    );
  }

  metrics(): Metrics {
    return this.usage.report();
  }

  get used(): Readonly<Record<keyof Metrics, number>> {
    return this.usage.totals;
  }

  countScheduled(argsBytes: number): void {
    this.usage.countScheduled(argsBytes);
  }

  countFileRead(bytes: number): void {
    this.usage.countFileRead(bytes);
  }

  countFileWritten(bytes: number): void {
    this.usage.countFileWritten(bytes);
  }

  savepoint(limits?: Partial<Record<keyof Metrics, number>>): Savepoint {
    this.checkOpen();
    const usage = this.usage.narrow(limits);
    const mark = this.writes.mark();
    let open = true;
    const end = (undo: boolean): void => {
      if (!open) throw new Error("This savepoint has ended already.");
      open = false;
      if (undo) this.writes.rollback(mark);
      else this.writes.release();
      this.usage.restore(usage, undo);
    };
    return {
      release: () => {
        end(false);
      },
      rollback: () => {
        end(true);
      },
    };
  }

  resolveCommitTs(commitTs: bigint): void {
    this.writer.resolveCommitTs(commitTs);
  }

  /** From here on the transaction refuses to be used: its snapshot is gone. */
  end(): void {
    this.ended = true;
    this.streams.clear();
  }

  private stream(query: QueryJson): RowStream {
    const plan = planQuery(this.host.catalogue, query.source, false);
    const operators = compileOperators(query);
    const expected = expectedRows(operators) ?? 16;
    const window = { after: null, upTo: null };
    return new RowStream(this.view, plan, operators, window, expected, this.usage, this.reads);
  }

  private openSystem(): SystemTables {
    const tableOf = (id: string): TableEntry => {
      this.checkWritable();
      const table = this.tableOf(id, "system table");
      if (table === null || !isSystemTable(table.name)) {
        throw new Error(`"${id}" is not the id of a system document.`);
      }
      return table;
    };
    return {
      insert: (table, value, id) => {
        this.checkWritable();
        if (!isSystemTable(table) || this.host.catalogue.table(table) === null) {
          throw new Error(`There is no system table "${table}".`);
        }
        return this.writer.insert(table, value, id).id;
      },
      shallowMerge: (id, value) => {
        this.writer.shallowMerge(tableOf(id), id, value);
      },
      remove: (id) => {
        this.writer.remove(tableOf(id), id);
      },
      query: (query) => this.systemRows(query),
    };
  }

  private *systemRows(query: QueryJson): Generator<DocumentText> {
    const plan = planQuery(this.host.catalogue, query.source, true);
    const operators = compileOperators(query);
    const expected = expectedRows(operators) ?? 16;
    const window = { after: null, upTo: null };
    const stream = new RowStream(
      this.view,
      plan,
      operators,
      window,
      expected,
      UNCOUNTED,
      this.reads,
    );
    for (;;) {
      this.checkOpen();
      const row = stream.next();
      if (row === null) return;
      yield row.text;
    }
  }

  private tableOf(id: string, operation: string): TableEntry | null {
    const parsed = parseId(id);
    if ("error" in parsed) {
      throw new Error(`Invalid argument \`id\` for \`${operation}\`: ${parsed.error}`);
    }
    return this.host.catalogue.tableByNumber(parsed.tableNumber);
  }

  private tableToWrite(id: string, operation: string, verb: string): TableEntry {
    this.checkWritable();
    const table = this.tableOf(id, operation);
    if (table === null) throw new Error(`${verb} on nonexistent document ID ${id}`);
    if (isSystemTable(table.name)) {
      throw new Error("System tables (prefixed with `_`) are read-only.");
    }
    return table;
  }

  /** Changing a document reads it first, and is charged for both. */
  private countWrite(written: { size: number; readSize: number; id: string }): void {
    this.reads.addDocument(written.id);
    this.usage.countRead(written.readSize);
    this.usage.countWrite(written.size);
  }

  private checkOpen(): void {
    if (this.ended) throw new Error("This transaction has ended.");
  }

  private checkWritable(): void {
    this.checkOpen();
    if (!this.writable) throw new Error("A query cannot write to the database.");
  }
}
