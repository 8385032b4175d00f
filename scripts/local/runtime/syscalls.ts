/**
 * `globalThis.Convex`: the operations that the `convex` package asks of its host. What works on
 * the transaction is answered at once, without a promise; documents pass as the text they are
 * stored as.
 */
import type { JSONValue } from "convex/values";
import type { DocumentJson, PageRequest, QueryJson, Transaction } from "../database/types";
import { actionOperations } from "./actionOperations";
import { type Call, calls } from "./call";
import { Refusal } from "./errors";
import { metaOperations } from "./metaOperations";
import { runNested } from "./nested";
import { blobOperations, storageInActions, storageInTransactions } from "./storageOperations";
import { unavailable } from "./unavailable";
import { cancelIn, scheduleIn } from "../scheduler/jobs";

export type Operation = (call: Call, args: never) => string | Promise<string>;

/** Of a change: Convex answers with the document, which nobody reads. */
const DONE = "null";

type IdArgs = { id: string; table?: string; isSystem?: boolean };

function transactionOf(call: Call): Transaction {
  if (call.tx === null) throw new Refusal("This operation needs a query or a mutation");
  return call.tx;
}

function writableOf(call: Call): Transaction {
  if (call.kind !== "mutation") throw new Refusal("Only mutations can write");
  return transactionOf(call);
}

const SYSTEM_TABLES = ["_scheduled_functions", "_storage"];

/** `db.get("table", id)` holds the id to its table, `db.get(id)` to user tables. */
function checkedId(tx: Transaction, args: IdArgs, method: string): string {
  const { id, table } = args;
  if (table !== undefined && tx.normalizeId(table, id) === null) {
    throw new Refusal(
      `Invalid argument \`id\` for \`db.${method}\`: expected an ID of table "${table}", got '${id}'`,
    );
  }
  return id;
}

function isSystemId(tx: Transaction, id: string): boolean {
  return SYSTEM_TABLES.some((table) => tx.normalizeId(table, id) !== null);
}

const transactionOperations: Record<string, Operation> = {
  "1.0/get": (call, args: IdArgs) => {
    const tx = transactionOf(call);
    const id = checkedId(tx, args, "get");
    if (args.isSystem === true && !isSystemId(tx, id)) return "null";
    return tx.get(id) ?? "null";
  },
  "1.0/insert": (call, { table, value }: { table: string; value: DocumentJson }) => {
    call.writtenTable = table;
    return `{"_id":"${writableOf(call).insert(table, value)}"}`;
  },
  "1.0/shallowMerge": (call, args: IdArgs & { value: DocumentJson }) => {
    const tx = writableOf(call);
    tx.shallowMerge(checkedId(tx, args, "patch"), args.value);
    return DONE;
  },
  "1.0/replace": (call, args: IdArgs & { value: DocumentJson }) => {
    const tx = writableOf(call);
    tx.replace(checkedId(tx, args, "replace"), args.value);
    return DONE;
  },
  "1.0/remove": (call, args: IdArgs) => {
    const tx = writableOf(call);
    tx.remove(checkedId(tx, args, "delete"));
    return DONE;
  },
  "1.0/count": (call, { table }: { table: string }) => String(transactionOf(call).count(table)),
  "1.0/queryStreamNext": (call, { queryId }: { queryId: number }) => {
    const document = transactionOf(call).next(queryId);
    return document === null ? '{"value":null,"done":true}' : `{"value":${document},"done":false}`;
  },
  "1.0/queryPage": (call, request: PageRequest) => {
    if (call.hasPaginated) {
      throw new Refusal(
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
      );
    }
    call.hasPaginated = true;
    const { page, isDone, continueCursor, splitCursor, pageStatus } = transactionOf(call).page({
      ...request,
      endCursor: request.endCursor ?? call.endCursor,
    });
    call.endCursor = continueCursor;
    const rest = JSON.stringify({ isDone, continueCursor, splitCursor, pageStatus });
    return `{"page":[${page.join(",")}],${rest.slice(1)}`;
  },
  "1.0/runUdf": runNested,
  "1.0/schedule": (call, args: never) => {
    writableOf(call);
    return scheduleIn(call, args);
  },
  "1.0/cancel_job": (call, { id }: { id: string }) => {
    cancelIn(writableOf(call), id);
    return "null";
  },
};

const syncOperations: Record<string, (call: Call, args: never) => string> = {
  "1.0/queryStream": (call, { query }: { query: QueryJson }) =>
    `{"queryId":${transactionOf(call).openQuery(query)}}`,
  "1.0/queryCleanup": (call, { queryId }: { queryId: number }) => {
    transactionOf(call).closeQuery(queryId);
    return "null";
  },
  "1.0/db/normalizeId": (call, { table, idString }: { table: string; idString: string }) =>
    JSON.stringify({ id: transactionOf(call).normalizeId(table, idString) }),
  "1.0/getSnapshotTs": (call) => JSON.stringify(integer(transactionOf(call).snapshotTs)),
};

/** An int64 as Convex JSON: eight little-endian bytes in base64. */
function integer(value: bigint): JSONValue {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return { $integer: bytes.toString("base64") };
}

const inTransactions: Record<string, Operation> = {
  ...transactionOperations,
  ...storageInTransactions,
  ...metaOperations,
};
const inActions: Record<string, Operation> = {
  ...actionOperations,
  ...storageInActions,
  ...metaOperations,
};

function currentCall(op: string): Call {
  const call = calls.getStore();
  if (call === undefined) {
    throw new Refusal(`${op} was asked for outside of a function, or after its end`);
  }
  return call;
}

function syscall(op: string, json: string): string {
  const call = currentCall(op);
  call.pauseClock();
  try {
    const operation = syncOperations[op];
    if (operation === undefined) throw new Refusal(`Unknown operation ${op}`);
    return operation(call, JSON.parse(json) as never);
  } finally {
    call.resumeClock();
  }
}

/** Not async: what can be answered at once costs no promise; `await` takes either. */
export function asyncSyscall(op: string, json: string): string | Promise<string> {
  const call = currentCall(op);
  call.pauseClock();
  try {
    const operation = (call.tx === null ? inActions : inTransactions)[op];
    if (operation === undefined) {
      throw new Refusal(unavailable(op) ?? `Unknown async operation ${op}`);
    }
    const args = JSON.parse(json) as never;
    // A nested transaction must end before the one around it goes on.
    const result =
      call.gate === null ? operation(call, args) : behindGate(call, () => operation(call, args));
    return call.tx === null || typeof result === "string" ? result : awaited(call, result);
  } finally {
    call.resumeClock();
  }
}

/** Marks the call as waiting for its host, which is the only thing it may wait for. */
async function awaited(call: Call, result: Promise<string>): Promise<string> {
  call.operations++;
  try {
    return await result;
  } finally {
    call.operations--;
  }
}

/** Runs after everything that already waits at the gate, in the order in which it was asked for. */
export function behindGate(call: Call, run: () => string | Promise<string>): Promise<string> {
  const before = call.gate ?? Promise.resolve();
  const result = before.then(run);
  const passed = result.then(
    () => undefined,
    () => undefined,
  );
  call.gate = passed;
  void passed.then(() => {
    if (call.gate === passed) call.gate = null;
  });
  return result;
}

/** What takes or gives more than text. */
export async function jsSyscall(op: string, args: object): Promise<string | Blob | null> {
  const call = currentCall(op);
  const operation = call.tx === null ? blobOperations[op] : undefined;
  if (operation === undefined) throw new Refusal(unavailable(op) ?? `Unknown JS operation ${op}`);
  call.pauseClock();
  return await operation(call, args as never);
}

export function installSyscalls(): void {
  Object.assign(globalThis, { Convex: { syscall, asyncSyscall, jsSyscall } });
}
