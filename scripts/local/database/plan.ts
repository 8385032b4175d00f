/** Finds what the source of a query reads: which table, which index, which keys. */
import type { Catalogue, IndexEntry, TableEntry } from "./catalogue";
import { keyRange } from "./range";
import { planSearch, type SearchPlan } from "./searchPlan";
import { isReadableByFunctions } from "./system";
import type { QuerySourceJson } from "./types";
import type { Scan } from "./view";

/** A table that does not exist yet has no rows. */
export type QueryPlan =
  { source: "scan"; scan: Scan } | { source: "search"; search: SearchPlan } | { source: "empty" };

export function planQuery(
  catalogue: Catalogue,
  source: QuerySourceJson,
  system: boolean,
): QueryPlan {
  const name = source.type === "FullTableScan" ? source.tableName : source.indexName;
  const [tableName, indexName] =
    source.type === "FullTableScan" ? [name, "by_creation_time"] : splitName(name);
  const table = system || isReadableByFunctions(tableName) ? catalogue.table(tableName) : null;
  const index = table?.indexes.find((each) => each.name === indexName);
  if (table === null || index === undefined) {
    if (table === null && (indexName === "by_id" || indexName === "by_creation_time")) {
      return { source: "empty" };
    }
    throw new Error(`Index ${name} not found.`);
  }
  if (source.type === "Search") {
    if (index.kind !== "search") throw new Error(`Index ${name} is not a search index`);
    return { source: "search", search: planSearch(name, table, index, source.filters) };
  }
  if (index.kind === "search") throw new Error(`Index ${name} is not a database index`);
  const bounds = source.type === "IndexRange" ? source.range : [];
  return { source: "scan", scan: planScan(name, table, index, bounds, source.order) };
}

function splitName(name: string): [string, string] {
  const dot = name.indexOf(".");
  if (dot === -1) throw new Error(`Insufficient components in index name ${name}`);
  return [name.slice(0, dot), name.slice(dot + 1)];
}

function planScan(
  name: string,
  table: TableEntry,
  index: IndexEntry & { kind: "id" | "database" },
  bounds: (QuerySourceJson & { type: "IndexRange" })["range"],
  order: "asc" | "desc" | null,
): Scan {
  return { table, index, ...keyRange(name, index.fields, bounds), reverse: order === "desc" };
}
