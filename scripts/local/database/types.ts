/**
 * The contract between the embedded database (this folder) and the function runtime
 * (`../runtime`). Documents and values cross it as Convex JSON: what `convexToJson` of
 * `convex/values` makes (`{$integer}`, `{$bytes}`, `{$float}`), so that a stored document can be
 * handed to a function without being parsed and printed again.
 */
import type { JSONValue, ValidatorJSON } from "convex/values";
import type { ImportCounts, TableImport } from "./importTables";

/** A document (or the fields of one) as Convex JSON. */
export type DocumentJson = { [field: string]: JSONValue };

/** The printed Convex JSON of a whole document, `_id` and `_creationTime` included. */
export type DocumentText = string;

/** The query that `queryStream` and `queryPage` take, as `convex/server` builds it. */
export type QueryJson = { source: QuerySourceJson; operators: QueryOperatorJson[] };
export type QuerySourceJson =
  | { type: "FullTableScan"; tableName: string; order: "asc" | "desc" | null }
  | { type: "IndexRange"; indexName: string; range: RangeBoundJson[]; order: "asc" | "desc" | null }
  | { type: "Search"; indexName: string; filters: SearchFilterJson[] };
export type RangeBoundJson = {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: JSONValue;
};
export type SearchFilterJson =
  | { type: "Search"; fieldPath: string; value: string }
  | { type: "Eq"; fieldPath: string; value: JSONValue };
export type QueryOperatorJson = { filter: JSONValue } | { limit: number };

export type PageRequest = {
  query: QueryJson;
  cursor: string | null;
  endCursor?: string | null;
  pageSize: number;
  maximumRowsRead?: number;
  maximumBytesRead?: number;
};
export type PageResult = {
  page: DocumentText[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
};

export type Metric = { used: number; remaining: number };
/** What `ctx.meta.getTransactionMetrics()` reports. */
export type Metrics = Record<
  | "bytesRead"
  | "bytesWritten"
  | "databaseQueries"
  | "documentsRead"
  | "documentsWritten"
  | "functionsScheduled"
  | "scheduledFunctionArgsBytes"
  | "filesWritten"
  | "fileWriteBytes"
  | "filesRead"
  | "fileReadBytes",
  Metric
>;

/**
 * System tables (`system.ts`), which functions cannot write and of which they can read only the
 * public ones. Nothing done here counts against the limits of the transaction.
 */
export interface SystemTables {
  /** Under a new id, or under one that was made for it (`newSystemId`) and never used. */
  insert(table: string, value: DocumentJson, id?: string): string;
  shallowMerge(id: string, value: DocumentJson): void;
  remove(id: string): void;
  /** The matching documents, lazily: stop iterating, and the rest is not read. */
  query(query: QueryJson): Iterable<DocumentText>;
}

/** What a transaction has read; live queries run again when a commit touches it. */
export interface ReadSet {
  /** Of index keys: `low <= key < high`. */
  readonly ranges: readonly { index: number; low: string; high: string }[];
  /** By id, whether they exist or not. */
  readonly documents: ReadonlySet<string>;
  touchedBy(commit: Commit): boolean;
}

export type TableDescription = {
  name: string;
  /** With which its ids begin. */
  number: number;
  documents: number;
  /** Null if the schema does not describe the table. */
  validator: ValidatorJSON | null;
};

/** One consistent snapshot, with the writes of the running mutation laid over it. */
export interface Transaction {
  readonly writable: boolean;
  /** Nanoseconds; every document that this transaction can see was committed at or before it. */
  readonly snapshotTs: bigint;
  get(id: string): DocumentText | null;
  insert(table: string, value: DocumentJson): string;
  /** `{$undefined: null}` removes a field. */
  shallowMerge(id: string, value: DocumentJson): void;
  replace(id: string, value: DocumentJson): void;
  remove(id: string): void;
  count(table: string): number;
  normalizeId(table: string, idString: string): string | null;
  /** The tables that functions can read, by name; system tables are not among them. */
  tables(): TableDescription[];
  openQuery(query: QueryJson): number;
  /** The next document of an open query, or null at its end. */
  next(queryId: number): DocumentText | null;
  closeQuery(queryId: number): void;
  page(request: PageRequest): PageResult;
  metrics(): Metrics;
  /** The same without what remains. */
  readonly used: Readonly<Record<keyof Metrics, number>>;
  /** Counts scheduled functions against the limits of the transaction. */
  countScheduled(argsBytes: number): void;
  /** Counts a stored file's bytes, read or written, against them. */
  countFileRead(bytes: number): void;
  countFileWritten(bytes: number): void;
  /** A nested transaction: everything written since the savepoint is undone by `rollback`. */
  savepoint(limits?: Partial<Record<keyof Metrics, number>>): Savepoint;
  readonly system: SystemTables;
  /** Stays valid after the transaction has ended. */
  readonly reads: ReadSet;
}
export interface Savepoint {
  release(): void;
  rollback(): void;
}

/** What one commit changed; live queries compare it with what a query has read. */
export type Commit = {
  ts: bigint;
  writes: { table: string; id: string; document: DocumentText | null }[];
  /** The index keys that appeared or vanished, by the number of their index. */
  entries: ReadonlyMap<number, readonly string[]>;
  /** A table has come to exist, which whoever looked for it before could not read. */
  newTables: boolean;
};

/** What is durable at one moment, for several queries that must agree; to be released. */
export interface DatabaseSnapshot {
  /** Nanoseconds: the commit that it shows last. */
  readonly ts: bigint;
  query<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;
  release(): void;
}

export interface Database {
  /** Runs on one snapshot of what is durable. */
  query<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Keeps the database open until it is released. */
  snapshot(): DatabaseSnapshot;
  /**
   * Runs mutations one after another, so that they are serializable, and resolves when the
   * commit is on disk; commits that come together share one flush. A throw writes nothing.
   */
  mutation<T>(run: (tx: Transaction) => Promise<T>): Promise<{ value: T; commitTs: bigint }>;
  /** In commit order, each when it is on disk, and before its mutation resolves. */
  onCommit(listener: (commit: Commit) => void): () => void;
  /**
   * Applies the exported schema: new tables and indexes are built, unused indexes dropped. `onApplied`
   * is called between the last transaction that saw the old one and the first that sees the new one.
   */
  applySchema(schemaJson: JSONValue, onApplied?: () => void): Promise<void>;
  /** Writes documents with the ids they bring into tables, all in one commit or none. */
  importTables(imports: readonly TableImport[]): Promise<ImportCounts>;
  close(): Promise<void>;
}
