/**
 * The tables that belong to the deployment and not to the app. Functions can read the public ones
 * through `ctx.db.system`; only the runtime writes any of them, through `Transaction.system`.
 */
import { encodeId, newInternalId } from "./ids";

export type SystemTable = {
  name: string;
  /** Of no other table; fixed, and where Convex has such a table its own, so that an exported id means the same there. */
  number: number;
  public: boolean;
  indexes: readonly { name: string; fields: readonly string[] }[];
};

export const SYSTEM_TABLES: readonly SystemTable[] = [
  {
    // Written by the scheduler. Its next job is the first `pending` row of `by_due`.
    name: "_scheduled_functions",
    number: 539,
    public: true,
    indexes: [
      { name: "by_due", fields: ["state.kind", "scheduledTime"] },
      { name: "by_completed", fields: ["completedTime"] },
    ],
  },
  {
    // One row a stored file, written by `../files`.
    name: "_storage",
    number: 540,
    public: true,
    indexes: [],
  },
  {
    // The name in a stored file's URL, one row a file, written by `../files`.
    name: "_file_storage",
    number: 1_010,
    public: false,
    indexes: [
      { name: "by_file", fields: ["fileId"] },
      { name: "by_storage_id", fields: ["storageId"] },
    ],
  },
  {
    // What the scheduler knows of a job beyond what functions may read, one row a job.
    name: "_scheduled_jobs",
    number: 1_001,
    public: false,
    indexes: [
      { name: "by_function", fields: ["functionId"] },
      { name: "by_due", fields: ["state", "due"] },
    ],
  },
  {
    // Written by the cron runner, one row a cron job.
    name: "_cron_jobs",
    number: 531,
    public: false,
    indexes: [
      { name: "by_name", fields: ["name"] },
      { name: "by_next", fields: ["next"] },
    ],
  },
  {
    // What mutations of live clients answered, so that one sent again is not run again.
    name: "_session_requests",
    number: 1_003,
    public: false,
    indexes: [
      { name: "by_request", fields: ["sessionId", "requestId", "part"] },
      { name: "by_expiry", fields: ["expires"] },
    ],
  },
  {
    // The last export asked for with `convex export`, and how it goes.
    name: "_exports",
    number: 1_011,
    public: false,
    indexes: [],
  },
  {
    // What `convex import` has uploaded, and how it goes; one row an import.
    name: "_snapshot_imports",
    number: 1_012,
    public: false,
    indexes: [],
  },
  {
    // Written by `convex env set`, one row a variable.
    name: "_environment_variables",
    number: 1_013,
    public: false,
    indexes: [{ name: "by_name", fields: ["name"] }],
  },
  {
    // Small settings and state of the runtime, one row a key.
    name: "_runtime",
    number: 1_002,
    public: false,
    indexes: [{ name: "by_key", fields: ["key"] }],
  },
];

const NUMBERS = new Map(SYSTEM_TABLES.map(({ name, number }) => [name, number]));
const PUBLIC = new Set(SYSTEM_TABLES.filter((table) => table.public).map(({ name }) => name));

/** An id for a document that is inserted later, so that something else can bear it before. */
export function newSystemId(table: string, milliseconds: number): string {
  const number = NUMBERS.get(table);
  if (number === undefined) throw new Error(`There is no system table "${table}".`);
  return encodeId(number, newInternalId(milliseconds));
}

export function isSystemTable(name: string): boolean {
  return name.startsWith("_");
}

/** To functions, a private system table does not exist. */
export function isReadableByFunctions(name: string): boolean {
  return !isSystemTable(name) || PUBLIC.has(name);
}
