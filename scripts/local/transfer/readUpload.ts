/**
 * Reads what `convex import` uploads: a zip of tables and files, or one table as CSV, JSON lines or a
 * JSON array. Convex's words where it refuses.
 */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import Papa from "papaparse";
import type { DocumentJson, TableDescription } from "../database/types";
import { messageOf } from "../problem";
import { fromExportLine, fromPlainLine, toDocument, UNIFORM } from "./format";
import { type StagedTable, TableWriter, UploadRefused } from "./staging";
import { openZip, readEntry, type Zip } from "./zip";

export type Format = "csv" | "jsonLines" | "jsonArray" | "zip";

export type Upload = {
  tables: StagedTable[];
  /** Table numbers by name, where the upload says them. */
  numbers: ReadonlyMap<string, number>;
  storage: { rows: StagedTable; files: StorageFile[] } | null;
};
export type StorageFile = { id: string; open(): Promise<Readable> };

/** As much as one transaction of Convex may write. */
const MAX_JSON_ARRAY_BYTES = 16 * 2 ** 20;
const MAX_TABLES = 10_000;
/** A document has 1 MiB, and a character of it at most six in JSON. */
const MAX_LINE_CHARACTERS = 8 * 2 ** 20;

const DOCUMENTS = /^(?:.*\/)?([^/]+)\/documents\.jsonl$/;
const GENERATED_SCHEMA = /^(?:.*\/)?([^/]+)\/generated_schema\.jsonl$/;
const STORAGE_FILE = /^(?:.*\/)?_storage\/([^/.]+)(?:\.[^/]+)?$/;
const IN_COMPONENT = /(?:^|\/)_components\//;

export async function readTable(
  file: string,
  format: Exclude<Format, "zip">,
  table: TableDescription | { name: string; validator: null },
  folder: string,
): Promise<Upload> {
  const writer = await TableWriter.open(folder, table.name, 0);
  const rows =
    format === "csv"
      ? csvRows(file, optionalFields(table.validator))
      : format === "jsonLines"
        ? lineRows(createReadStream(file), fromPlainLine)
        : arrayRows(file);
  return { tables: [await stage(writer, rows)], numbers: new Map(), storage: null };
}

export async function readZip(file: string, folder: string): Promise<Upload & { zip: Zip }> {
  const zip = await openZip(file);
  try {
    return { ...(await readEntries(zip, folder)), zip };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function readEntries(zip: Zip, folder: string): Promise<Upload> {
  const names = [...zip.entries.keys()];
  if (names.some((name) => IN_COMPONENT.test(name))) {
    throw new UploadRefused("The zip holds tables of components, which this deployment has not");
  }
  const uniform = await uniformTables(zip);
  const tables: StagedTable[] = [];
  let numbers: ReadonlyMap<string, number> = new Map();
  let rows: StagedTable | null = null;
  const found = names.flatMap((name) => {
    const table = DOCUMENTS.exec(name)?.[1];
    return table === undefined ? [] : [{ name, table }];
  });
  if (found.length > MAX_TABLES)
    throw new UploadRefused(`The zip has more than ${MAX_TABLES} tables`);
  for (const [number, { name, table }] of found.entries()) {
    const read = uniform.has(table) ? fromExportLine : fromPlainLine;
    const content = lineRows(await readEntry(zip, name), read);
    if (table === "_tables") {
      numbers = await tableNumbers(content);
    } else if (table === "_storage" || !table.startsWith("_")) {
      const staged = await stage(await TableWriter.open(folder, table, number), content);
      if (table === "_storage") rows = staged;
      else tables.push(staged);
    }
  }
  const files = names.flatMap((name) => storageFile(zip, name) ?? []);
  const storage = rows === null ? null : { rows, files };
  if (storage === null && files.length > 0) {
    throw new UploadRefused("The zip has files but no _storage/documents.jsonl");
  }
  return { tables, numbers, storage };
}

async function uniformTables(zip: Zip): Promise<Set<string>> {
  const uniform = new Set<string>();
  for (const name of zip.entries.keys()) {
    const table = GENERATED_SCHEMA.exec(name)?.[1];
    if (table === undefined) continue;
    for await (const line of linesOf(await readEntry(zip, name))) {
      if (line.trim() !== UNIFORM) {
        throw new UploadRefused(
          `${name} is of an older kind of export, in which types have to be guessed; export again ` +
            "with a newer Convex",
        );
      }
      uniform.add(table);
      break;
    }
  }
  return uniform;
}

async function tableNumbers(rows: AsyncIterable<DocumentJson>): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for await (const { name, id } of rows) {
    if (typeof name !== "string" || typeof id !== "number") {
      throw new UploadRefused("_tables/documents.jsonl: each line needs `name` and `id`");
    }
    numbers.set(name, id);
  }
  return numbers;
}

function storageFile(zip: Zip, name: string): StorageFile | null {
  const id = STORAGE_FILE.exec(name)?.[1];
  if (id === undefined || id === "documents" || id === "generated_schema") return null;
  return { id, open: () => readEntry(zip, name) };
}

async function stage(writer: TableWriter, rows: AsyncIterable<DocumentJson>): Promise<StagedTable> {
  try {
    for await (const row of rows) await writer.add(row);
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  return await writer.end();
}

async function* lineRows(
  source: Readable,
  read: (line: string) => DocumentJson,
): AsyncGenerator<DocumentJson> {
  let row = 0;
  for await (const line of linesOf(source)) {
    row++;
    if (line.trim() === "") continue;
    yield rowOf(row, () => read(line));
  }
}

async function* linesOf(source: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_CHARACTERS) {
      throw new UploadRefused(`A line is longer than ${MAX_LINE_CHARACTERS} characters`);
    }
    yield* lines;
  }
  yield rest + decoder.decode();
}

async function* arrayRows(file: string): AsyncGenerator<DocumentJson> {
  const { size } = await stat(file);
  if (size > MAX_JSON_ARRAY_BYTES) {
    throw new UploadRefused(
      `Import is too large for JSON (${size} bytes > maximum 16 MiB). Consider converting data to ` +
        "JSONLines",
    );
  }
  let array: unknown;
  try {
    array = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new UploadRefused(`Not valid JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(array)) throw new UploadRefused("Not a JSON array");
  for (const [index, value] of array.entries()) yield rowOf(index + 1, () => toDocument(value));
}

/** Every cell that is a number is one; an empty cell of an optional field is no field. */
async function* csvRows(file: string, optional: ReadonlySet<string>): AsyncGenerator<DocumentJson> {
  const parser = Papa.parse(Papa.NODE_STREAM_INPUT, { skipEmptyLines: true });
  const source = createReadStream(file, "utf8");
  source.once("error", (error) => parser.destroy(error));
  let header: string[] | null = null;
  let row = 0;
  for await (const cells of source.pipe(parser) as AsyncIterable<string[]>) {
    if (header === null) {
      header = cells.map((name) => name.trim());
      continue;
    }
    row++;
    if (cells.length !== header.length) {
      throw new UploadRefused(`CSV row ${row} doesn't have all of the fields in the header`);
    }
    const fields = header
      .map((name, column): [string, string | number] => [name, csvValue(cells[column] ?? "")])
      .filter(([name, value]) => value !== "" || !optional.has(name));
    yield rowOf(row, () => toDocument(Object.fromEntries(fields)));
  }
  if (header === null) throw new UploadRefused("CSV file doesn't have headers");
}

function csvValue(cell: string): string | number {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell;
}

function optionalFields(validator: TableDescription["validator"]): Set<string> {
  if (validator?.type !== "object") return new Set();
  const fields = Object.entries(validator.value);
  return new Set(fields.filter(([, { optional }]) => optional).map(([name]) => name));
}

function rowOf(row: number, read: () => DocumentJson): DocumentJson {
  try {
    return read();
  } catch (error) {
    const kind = error instanceof SyntaxError ? "valid JSON" : "a valid Convex value";
    throw new UploadRefused(`Row ${row} wasn't ${kind}: ${messageOf(error)}`);
  }
}
