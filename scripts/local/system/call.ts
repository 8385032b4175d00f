/** How a system function reaches what lies below `ctx`: its call, its transaction, private tables. */
import type { JSONValue } from "convex/values";
import type { DocumentJson, QuerySourceJson, Transaction } from "../database/types";
import { type Call, calls } from "../runtime/call";

export function currentCall(): Call & { tx: Transaction } {
  const call = calls.getStore();
  if (call === undefined || call.tx === null) throw new Error("A system function needs a call");
  return call as Call & { tx: Transaction };
}

/** The documents of a table, of the app or of the system, as they are stored. Nothing is counted. */
export function systemTexts(tx: Transaction, table: string): Iterable<string> {
  const source = { type: "FullTableScan", tableName: table, order: "asc" } as const;
  return tx.system.query({ source, operators: [] });
}

/** The rows of a system table, or those with `value` in the first field of an index. */
export function* systemRows<Row extends DocumentJson>(
  tx: Transaction,
  table: string,
  equal?: { index: string; field: string; value: JSONValue },
): Generator<Row> {
  const source: QuerySourceJson =
    equal === undefined
      ? { type: "FullTableScan", tableName: table, order: "asc" }
      : {
          type: "IndexRange",
          indexName: `${table}.${equal.index}`,
          range: [{ type: "Eq", fieldPath: equal.field, value: equal.value }],
          order: "asc",
        };
  for (const text of tx.system.query({ source, operators: [] })) {
    yield JSON.parse(text) as Row;
  }
}
