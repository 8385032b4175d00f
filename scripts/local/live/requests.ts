/**
 * Mutations of live clients, each run once: what it answered is recorded in its own transaction,
 * and a request that a client sends again after a lost connection is answered from the record.
 */
import { resolvePlaceholders } from "../database/documents";
import type { DocumentJson, QueryJson, RangeBoundJson, Transaction } from "../database/types";
import type { RequestInfo } from "../runtime/call";
import type { Host } from "../runtime/host";
import type { Visibility } from "../runtime/modules";
import type { JSONValue } from "convex/values";

const TABLE = "_session_requests";
/** A client that was asleep for longer than this does not get its answer again. */
const KEPT_MS = 7 * 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;
const SWEPT_TOGETHER = 500;
/** A document holds 1 MiB, and a character takes three bytes at most. */
const PART_CHARACTERS = 300_000;

export type MutationRequest = {
  sessionId: string;
  requestId: number;
  name: string;
  args: JSONValue;
  visibility: Visibility;
  request: RequestInfo;
};
export type MutationResult = { value: string; commitTs: bigint };

/** Runs the mutation, or gives the answer of the run that has committed already. */
export async function runOnce(host: Host, mutation: MutationRequest): Promise<MutationResult> {
  const { name, args, visibility, request } = mutation;
  const { entry, argsText } = host.prepare("mutation", name, args, visibility);
  let recorded: MutationResult | null = null;
  try {
    return await host.runMutation(entry, argsText, request, {
      before: (tx) => (recorded = findRecord(tx, mutation)) === null,
      after: (tx, result) => {
        record(tx, mutation, result);
      },
    });
  } catch (error) {
    if (recorded !== null) return recorded;
    host.logFailure(entry, request, error);
    throw error;
  }
}

type Row = { _id: string; text: string; ts: { $integer: string } };

function findRecord(
  tx: Transaction,
  { sessionId, requestId }: MutationRequest,
): MutationResult | null {
  const rows = rowsOf(tx, "by_request", [
    { type: "Eq", fieldPath: "sessionId", value: sessionId },
    { type: "Eq", fieldPath: "requestId", value: requestId },
  ]);
  const [first] = rows;
  if (first === undefined) return null;
  const commitTs = Buffer.from(first.ts.$integer, "base64").readBigInt64LE();
  const value = rows.map(({ text }) => text).join("");
  return { value: resolvePlaceholders(value, commitTs), commitTs };
}

function record(tx: Transaction, { sessionId, requestId }: MutationRequest, result: string): void {
  const expires = Date.now() + KEPT_MS;
  for (const [part, text] of inParts(result).entries()) {
    const ts = { $commitTs: null };
    const row: DocumentJson = { sessionId, requestId, part, text, ts, expires };
    tx.system.insert(TABLE, row);
  }
}

/** At least one, and none that ends within a character. */
function inParts(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  do {
    let end = Math.min(start + PART_CHARACTERS, text.length);
    if (end < text.length && /[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end--;
    parts.push(text.slice(start, end));
    start = end;
  } while (start < text.length);
  return parts;
}

function rowsOf(tx: Transaction, index: string, range: RangeBoundJson[], limit = 100): Row[] {
  const source = {
    type: "IndexRange",
    indexName: `${TABLE}.${index}`,
    range,
    order: "asc",
  } as const;
  const query: QueryJson = { source, operators: [{ limit }] };
  return [...tx.system.query(query)].map((text) => JSON.parse(text) as Row);
}

/** Removes what has expired, now and every hour; gives back how to stop. */
export function sweepRecords(host: Host, onFailure: (error: unknown) => void): () => void {
  let stopped = false;
  const sweep = async (): Promise<void> => {
    for (let removed = SWEPT_TOGETHER; removed === SWEPT_TOGETHER && !stopped;) {
      ({ value: removed } = await host.database.mutation(async (tx) => removeExpired(tx)));
    }
  };
  const run = (): void => {
    sweep().catch(onFailure);
  };
  const timer = setInterval(run, SWEEP_EVERY_MS).unref();
  run();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

function removeExpired(tx: Transaction): number {
  const expired: RangeBoundJson[] = [{ type: "Lt", fieldPath: "expires", value: Date.now() }];
  const rows = rowsOf(tx, "by_expiry", expired, SWEPT_TOGETHER);
  for (const { _id: id } of rows) tx.system.remove(id);
  return rows.length;
}
