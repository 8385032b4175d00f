/** Convex's documented limits, and the words with which it refuses what exceeds them. */
import type { Metrics } from "./types";

const MIB = 2 ** 20;

export const MAX_DOCUMENT_BYTES = MIB;
export const MAX_DOCUMENT_FIELDS = 1_024;
export const MAX_DOCUMENT_NESTING = 16;
export const MAX_ARRAY_LENGTH = 8_192;
/** Of a document's own fields, which may stand in an index. */
export const MAX_FIELD_NAME_LENGTH = 64;
export const MAX_NESTED_FIELD_NAME_LENGTH = 1_024;
export const MAX_IDENTIFIER_LENGTH = 64;
export const MAX_INDEXES_PER_TABLE = 32;
export const MAX_INDEX_FIELDS = 16;
export const MAX_SEARCH_INDEXES_PER_TABLE = 4;
export const MAX_FILTER_FIELDS = 16;
export const MAX_SEARCH_TERMS = 16;
export const MAX_SEARCH_RESULTS = 1_024;
export const MAX_SEARCH_FILTERS = 8;

export type TransactionLimits = Record<keyof Metrics, number>;

export const TRANSACTION_LIMITS: TransactionLimits = {
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  databaseQueries: 4_096,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  functionsScheduled: 1_000,
  scheduledFunctionArgsBytes: 16 * MIB,
  filesWritten: 10,
  fileWriteBytes: 16 * MIB,
  filesRead: 10,
  fileReadBytes: 16 * MIB,
};

const HELP =
  "Consider using smaller limits in your queries, paginating your queries, " +
  "or using indexed queries with a selective index range expressions.";

const REFUSALS: Partial<Record<keyof Metrics, (limit: number) => string>> = {
  documentsRead: (limit) =>
    `Too many documents read in a single function execution (limit: ${limit}). ${HELP}`,
  bytesRead: (limit) =>
    `Too many bytes read in a single function execution (limit: ${limit} bytes). ${HELP}`,
  databaseQueries: (limit) =>
    `Too many reads in a single function execution (limit: ${limit}). ${HELP}`,
  documentsWritten: (limit) => `Too many writes in a single function execution (limit: ${limit})`,
  bytesWritten: (limit) =>
    `Too many bytes written in a single function execution (limit: ${formatBytes(limit)})`,
  functionsScheduled: (limit) => `Too many functions scheduled by this mutation (limit: ${limit})`,
  scheduledFunctionArgsBytes: (limit) =>
    `Too large total size of the arguments of scheduled functions from this mutation ` +
    `(limit: ${limit} bytes)`,
  filesWritten: (limit) => `Too many files stored in a single function execution (limit: ${limit})`,
  fileWriteBytes: (limit) =>
    `Too many bytes of files stored in a single function execution (limit: ${formatBytes(limit)})`,
  filesRead: (limit) => `Too many files read in a single function execution (limit: ${limit})`,
  fileReadBytes: (limit) =>
    `Too many bytes of files read in a single function execution (limit: ${formatBytes(limit)})`,
};

/** A transaction went over one of its limits. A page that has begun ends there instead. */
export class LimitError extends Error {
  constructor(
    readonly metric: keyof Metrics,
    limit: number,
  ) {
    super(REFUSALS[metric]?.(limit) ?? `Too much use of ${metric} (limit: ${limit})`);
  }
}

/** As Convex prints sizes: `1 MiB`, `1.5 MiB`, `12 B`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  let size = bytes;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Number.isInteger(size) ? size : Number(size.toFixed(2))} ${units[unit]}`;
}
