/**
 * Writes a snapshot of the database as the zip that `npx convex import` takes:
 *
 *     README.md
 *     _tables/documents.jsonl               { "name", "id": table number } of every table
 *     <table>/documents.jsonl               one document a line (`format.ts`)
 *     <table>/generated_schema.jsonl        "uniform"
 *     _storage/documents.jsonl              with files: their rows, and
 *     _storage/<id>.<extension>             their bytes
 */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ZipFile } from "yazl";
import type { DatabaseSnapshot, Transaction } from "../database/types";
import type { Files } from "../files";
import { systemRows, systemTexts } from "../system/call";
import { toExportLine, UNIFORM } from "./format";

const README = `# A snapshot of a Freehold deployment

Each table's documents are lines of JSON in <table>/documents.jsonl. This is the format of
\`npx convex export\`: take it to any Convex deployment with \`npx convex import\`.
`;

/** The lines of a table are handed to the zip in pieces of about this size. */
const CHUNK_CHARACTERS = 64 * 2 ** 10;
const FILE_MODE = 0o100644;

type FileRow = {
  _id: string;
  _creationTime: number;
  sha256: string;
  size: number;
  contentType: string | null;
};
type NameRow = { _id: string; fileId: string; storageId: string };

/** Resolves when all of it is in `file`, with how many documents it holds. */
export async function writeSnapshot(
  snapshot: DatabaseSnapshot,
  files: Files | null,
  file: string,
): Promise<{ documents: number }> {
  return await snapshot.query(async (tx) => {
    const zip = new ZipFile();
    const failed = new AbortController();
    const written = pipeline(zip.outputStream, createWriteStream(file, { mode: 0o600 }), {
      signal: failed.signal,
    });
    zip.on("error", (error: Error) => {
      failed.abort(error);
    });
    const documents = addTables(zip, tx);
    if (files !== null) addFiles(zip, tx, files);
    zip.end();
    await written.catch((error: unknown) => {
      throw failed.signal.aborted ? failed.signal.reason : error;
    });
    return { documents };
  });
}

function addTables(zip: ZipFile, tx: Transaction): number {
  const tables = tx.tables().sort((a, b) => a.number - b.number);
  const numbers = tables.map(({ name, number }) => JSON.stringify({ name, id: number }));
  addText(zip, "README.md", README);
  addText(zip, "_tables/documents.jsonl", lines(numbers));
  for (const { name } of tables) {
    addLines(zip, `${name}/documents.jsonl`, () => exportLines(tx, name));
    addText(zip, `${name}/generated_schema.jsonl`, `${UNIFORM}\n`);
  }
  return tables.reduce((sum, { documents }) => sum + documents, 0);
}

function addFiles(zip: ZipFile, tx: Transaction, files: Files): void {
  const rows = [...systemRows<FileRow>(tx, "_storage")];
  const names = new Map(
    [...systemRows<NameRow>(tx, "_file_storage")].map(({ fileId, storageId }) => [
      fileId,
      storageId,
    ]),
  );
  const described = rows.map((row) => JSON.stringify({ ...row, internalId: names.get(row._id) }));
  addText(zip, "_storage/documents.jsonl", lines(described));
  for (const { _id: id, contentType } of rows) {
    zip.addReadStreamLazy(
      `_storage/${id}${extensionOf(contentType)}`,
      { mode: FILE_MODE },
      (take) => {
        files
          .openBytes(id)
          .then((handle) => {
            if (handle === null) throw new Error(`The file ${id} was deleted meanwhile`);
            take(null, handle.createReadStream());
          })
          .catch((error: unknown) => {
            take(error, Readable.from([]));
          });
      },
    );
  }
}

function* exportLines(tx: Transaction, table: string): Generator<string> {
  for (const text of systemTexts(tx, table)) yield toExportLine(text);
}

function addText(zip: ZipFile, name: string, text: string): void {
  zip.addBuffer(Buffer.from(text), name, { mode: FILE_MODE });
}

function addLines(zip: ZipFile, name: string, begin: () => Iterable<string>): void {
  zip.addReadStreamLazy(name, { mode: FILE_MODE }, (take) => {
    take(null, Readable.from(chunks(begin())));
  });
}

function* chunks(texts: Iterable<string>): Generator<Buffer> {
  let chunk = "";
  for (const text of texts) {
    chunk += `${text}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk !== "") yield Buffer.from(chunk);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

/** Only for people who look into the zip: the import goes by the row. */
function extensionOf(contentType: string | null): string {
  const subtype = /^[a-z]+\/([a-z0-9]{2,5})(?:;|$)/.exec(contentType ?? "")?.[1];
  return subtype === undefined ? "" : `.${subtype === "plain" ? "txt" : subtype}`;
}
