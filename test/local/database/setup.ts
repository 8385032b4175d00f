/** A database in a folder of its own, and short names for what the tests do with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, type GenericSchema, type SchemaDefinition } from "convex/server";
import type { JSONValue } from "convex/values";
import { afterEach } from "vitest";
import { type EmbeddedDatabase, openDatabase } from "../../../scripts/local/database/index";
import type {
  DocumentJson,
  PageRequest,
  PageResult,
  QueryJson,
  RangeBoundJson,
  Transaction,
} from "../../../scripts/local/database/types";

const folders: string[] = [];
const open: EmbeddedDatabase[] = [];

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "database-"));
  folders.push(folder);
  return folder;
}

export async function openIn(path: string, now?: () => number): Promise<EmbeddedDatabase> {
  const database = await openDatabase(now === undefined ? { path } : { path, now });
  open.push(database);
  return database;
}

export async function openWith(tables: GenericSchema): Promise<EmbeddedDatabase> {
  const database = await openIn(newFolder());
  await database.applySchema(exportSchema(tables));
  return database;
}

export function exportSchema(tables: GenericSchema, schemaValidation = true): JSONValue {
  const schema: SchemaDefinition<GenericSchema, boolean> = defineSchema(tables, {
    schemaValidation,
  });
  return (schema as unknown as { export(): string }).export();
}

/** One mutation, without its commit timestamp. */
export async function write<T>(
  database: EmbeddedDatabase,
  run: (tx: Transaction) => T | Promise<T>,
): Promise<T> {
  const { value } = await database.mutation(async (tx) => run(tx));
  return value;
}

export function read<T>(database: EmbeddedDatabase, run: (tx: Transaction) => T): Promise<T> {
  return database.query((tx) => Promise.resolve().then(() => run(tx)));
}

export function insertAll(tx: Transaction, table: string, documents: DocumentJson[]): string[] {
  return documents.map((document) => tx.insert(table, document));
}

export function indexQuery(
  indexName: string,
  range: RangeBoundJson[] = [],
  order: "asc" | "desc" = "asc",
  operators: QueryJson["operators"] = [],
): QueryJson {
  return { source: { type: "IndexRange", indexName, range, order }, operators };
}

export function collect(tx: Transaction, query: QueryJson): DocumentJson[] {
  const id = tx.openQuery(query);
  const documents: DocumentJson[] = [];
  for (let text = tx.next(id); text !== null; text = tx.next(id)) documents.push(parse(text));
  return documents;
}

/** All pages of a query, each as the values of one field. */
export function pages(
  tx: Transaction,
  request: Omit<PageRequest, "cursor">,
  field: string,
): JSONValue[][] {
  const found: JSONValue[][] = [];
  let result: PageResult | null = null;
  while (result?.isDone !== true) {
    result = tx.page({ ...request, cursor: result?.continueCursor ?? null });
    found.push(result.page.map((text) => parse(text)[field] ?? null));
  }
  return found;
}

export function parse(text: string | null | undefined): DocumentJson {
  return JSON.parse(defined(text)) as DocumentJson;
}

export function idOf(document: DocumentJson | undefined): string {
  const { _id: id } = defined(document);
  if (typeof id !== "string") throw new Error("A document without an id.");
  return id;
}

export function defined<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("Nothing is here.");
  return value;
}
