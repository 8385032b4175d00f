/**
 * Imports for `convex import`, as Convex runs them: what was uploaded is read and summed up, waits for
 * its confirmation, and then comes in whole or not at all. How it goes is in its row.
 */
import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { ImportRefused, type TableImport } from "../database/importTables";
import { integerJson } from "../database/documents";
import { NumberTaken } from "../database/catalogue";
import { decodeId } from "../database/ids";
import type { Database, DocumentJson, TableDescription, Transaction } from "../database/types";
import { FileRefused, type Files } from "../files";
import { messageOf } from "../problem";
import { log } from "../runtime/log";
import { systemRows } from "../system/call";
import { confirmation, type Mode, tableChanges, type TableChange } from "./changes";
import { type Format, readTable, readZip, type StorageFile, type Upload } from "./readUpload";
import { type StagedTable, stagedDocuments, UploadRefused } from "./staging";
import { Uploads } from "./uploads";
import type { Zip } from "./zip";

const TABLE = "_snapshot_imports";

export type ImportRequest = { tableName?: string; mode: Mode; format: Format };

type State =
  | { state: "uploaded" }
  | {
      state: "waiting_for_confirmation";
      message_to_confirm: string;
      require_manual_confirmation: boolean;
    }
  | { state: "in_progress"; progress_message: string; checkpoint_messages: string[] }
  | { state: "completed"; num_rows_written: DocumentJson }
  | { state: "failed"; error_message: string };
type Row = { _id: string; _creationTime: number; state: State; mode: Mode; format: Format };

/** A confirmed import can be looked up for this many more. */
const KEPT_ROWS = 100;
/** Of imports that wait to be confirmed, whose uploads lie on the disk; of more, the oldest makes way. */
const MAX_WAITING = 10;

export function allImports(tx: Transaction): Row[] {
  return [...systemRows<Row>(tx, TABLE)];
}

/** Read and waiting to be confirmed. */
type Waiting = {
  request: ImportRequest;
  upload: Upload & { zip?: Zip };
  changes: TableChange[];
  folder: string;
};

export class Imports {
  readonly uploads: Uploads;
  private readonly waiting = new Map<string, Waiting>();
  private readonly running = new Set<Promise<void>>();

  private constructor(
    private readonly database: Database,
    private readonly files: Files,
    folder: string,
  ) {
    this.uploads = new Uploads(folder);
  }

  static async open(database: Database, files: Files, data: string): Promise<Imports> {
    const folder = path.join(data, "imports");
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const imports = new Imports(database, files, folder);
    await imports.failUnfinished();
    return imports;
  }

  /** Takes over what was uploaded; resolves with the import's id while it is being read. */
  async begin(request: ImportRequest, token: string, partTokens: string[]): Promise<string> {
    const { folder, file } = await this.uploads.finish(token, partTokens);
    const { tableName, mode, format } = request;
    const { value: id } = await this.database.mutation(async (tx) => {
      for (const { _id } of allImports(tx).slice(0, -KEPT_ROWS)) tx.system.remove(_id);
      return tx.system.insert(TABLE, {
        state: { state: "uploaded" },
        mode,
        format,
        ...(tableName === undefined ? {} : { tableName }),
      });
    });
    this.inBackground(id, folder, () => this.read(id, request, folder, file));
    return id;
  }

  /** Begins what was confirmed. @throws UploadRefused where nothing waits under that id */
  async perform(id: string): Promise<void> {
    const waiting = this.waiting.get(id);
    if (waiting === undefined)
      throw new UploadRefused("This import is not waiting to be confirmed");
    this.waiting.delete(id);
    const progress_message = "Importing";
    await this.note(id, { state: "in_progress", progress_message, checkpoint_messages: [] });
    this.inBackground(id, waiting.folder, () => this.write(id, waiting));
  }

  async close(): Promise<void> {
    for (const { upload } of this.waiting.values()) upload.zip?.close();
    await Promise.all(this.running);
  }

  private async read(
    id: string,
    request: ImportRequest,
    folder: string,
    file: string,
  ): Promise<"keep"> {
    const { tables, storedFiles } = await this.existing();
    const upload = await readUpload(request, tables, folder, file);
    const incoming = [...upload.tables, ...(upload.storage === null ? [] : [upload.storage.rows])];
    const existing = [...tables, { name: "_storage", documents: storedFiles }];
    const changes = tableChanges(incoming, existing, request.mode);
    this.waiting.set(id, { request, upload, changes, folder });
    await this.makeWay();
    await this.note(id, {
      state: "waiting_for_confirmation",
      message_to_confirm: confirmation(changes),
      require_manual_confirmation: changes.some(({ deleted }) => deleted > 0),
    });
    return "keep";
  }

  private async write(id: string, { request, upload, changes }: Waiting): Promise<"done"> {
    const received: string[] = [];
    try {
      const { tables } = await this.existing();
      // What was there when the import was confirmed may be more by now.
      tableChanges(upload.tables, tables, request.mode);
      const files = upload.storage === null ? [] : await this.receive(upload.storage, received);
      const before = await this.storedFiles();
      const { written } = await this.database.importTables([
        ...tableImports(request.mode, upload, changes),
        ...(upload.storage === null ? [] : storageImports(request.mode, files)),
      ]);
      await this.files.discardUnowned(before);
      // The rows of the files' names are this deployment's own affair.
      const num_rows_written = integerJson(BigInt(written - files.length));
      await this.note(id, { state: "completed", num_rows_written });
      return "done";
    } catch (error) {
      await this.files.discardUnowned(received);
      throw error;
    } finally {
      upload.zip?.close();
    }
  }

  private async makeWay(): Promise<void> {
    const [oldest] = this.waiting;
    if (oldest === undefined || this.waiting.size <= MAX_WAITING) return;
    const [id, { upload, folder }] = oldest;
    this.waiting.delete(id);
    upload.zip?.close();
    await rm(folder, { recursive: true, force: true });
    const error_message = "It was not confirmed before others came";
    await this.note(id, { state: "failed", error_message });
  }

  /** The bytes come before their rows: what a crash leaves has no row, and goes at the next start. */
  private async receive(
    storage: NonNullable<Upload["storage"]>,
    received: string[],
  ): Promise<ImportedFile[]> {
    const described = new Map<string, DocumentJson>();
    for (const row of stagedDocuments(storage.rows)) {
      if (typeof row["_id"] === "string") described.set(row["_id"], row);
    }
    const files: ImportedFile[] = [];
    for (const file of storage.files) {
      files.push(await this.receiveOne(file, described.get(file.id) ?? {}, received));
    }
    return files;
  }

  private async receiveOne(
    file: StorageFile,
    row: DocumentJson,
    received: string[],
  ): Promise<ImportedFile> {
    const { id } = file;
    const sha256 = textOrNull(row["sha256"]);
    const known = await this.database.query(async (tx) => {
      if (tx.normalizeId("_storage", id) !== null) return this.files.find(tx, id, "get");
      throw new UploadRefused(`_storage entry has invalid ID ${id}`);
    });
    if (known !== null && known.sha256 !== sha256) {
      throw new UploadRefused(`There is another file under the id ${id} already`);
    }
    if (known === null) received.push(id);
    const { size, sha256: actual } =
      known ?? (await this.files.receiveAs(id, await file.open(), sha256));
    return {
      row: {
        _id: id,
        ...(typeof row["_creationTime"] === "number"
          ? { _creationTime: row["_creationTime"] }
          : {}),
        sha256: actual,
        size,
        contentType: textOrNull(row["contentType"]),
      },
      uuid: uuidOrNull(row["internalId"]) ?? known?.uuid ?? randomUUID(),
    };
  }

  private async storedFiles(): Promise<string[]> {
    return await this.database.query(async (tx) => {
      return [...systemRows<{ _id: string }>(tx, "_storage")].map(({ _id }) => _id);
    });
  }

  private async existing(): Promise<{ tables: TableDescription[]; storedFiles: number }> {
    return await this.database.query(async (tx) => {
      return { tables: tx.tables(), storedFiles: tx.count("_storage") };
    });
  }

  private inBackground(id: string, folder: string, run: () => Promise<"done" | "keep">): void {
    const done = run()
      .catch(async (error: unknown): Promise<"done"> => {
        if (!isRefusal(error)) log("error", `The import failed: ${messageOf(error)}`);
        await this.note(id, {
          state: "failed",
          error_message: `Hit an error while importing:\n${messageOf(error)}`,
        });
        return "done";
      })
      .then(async (outcome) => {
        if (outcome !== "keep") await rm(folder, { recursive: true, force: true });
      })
      .catch((error: unknown) => {
        log("error", `The import's end could not be noted: ${messageOf(error)}`);
      });
    this.running.add(done);
    void done.finally(() => this.running.delete(done));
  }

  private async note(id: string, state: State): Promise<void> {
    await this.database.mutation(async (tx) => {
      tx.system.shallowMerge(id, { state });
    });
  }

  private async failUnfinished(): Promise<void> {
    await this.database.mutation(async (tx) => {
      for (const { _id, state } of allImports(tx)) {
        if (state.state === "completed" || state.state === "failed") continue;
        const error_message = "The server was restarted before the import was complete";
        tx.system.shallowMerge(_id, { state: { state: "failed", error_message } });
      }
    });
  }
}

type ImportedFile = { row: DocumentJson; uuid: string };

async function readUpload(
  { format, tableName }: ImportRequest,
  tables: readonly TableDescription[],
  folder: string,
  file: string,
): Promise<Upload & { zip?: Zip }> {
  if (format === "zip") return await readZip(file, folder);
  const name = tableName ?? "";
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) {
    throw new UploadRefused(`"${name}" isn't a valid table name`);
  }
  const table = tables.find((each) => each.name === name) ?? { name, validator: null };
  return await readTable(file, format, table, folder);
}

function tableImports(mode: Mode, upload: Upload, changes: readonly TableChange[]): TableImport[] {
  const replace = mode === "replace" || mode === "replaceAll";
  const named = new Set(upload.tables.map(({ name }) => name));
  // Tables that the upload does not have are emptied.
  const others = changes.filter(({ name }) => !named.has(name) && name !== "_storage");
  return [
    ...upload.tables.map((table) => ({
      name: table.name,
      number: numberOf(upload, table),
      replace,
      documents: iterable(() => stagedDocuments(table)),
    })),
    ...others.map(({ name }) => ({ name, number: null, replace: true, documents: [] })),
  ];
}

function numberOf({ numbers }: Upload, { name, firstId }: StagedTable): number | null {
  const ofIds = firstId === null ? null : (decodeId(firstId)?.tableNumber ?? null);
  return numbers.get(name) ?? ofIds;
}

function storageImports(mode: Mode, files: readonly ImportedFile[]): TableImport[] {
  const replace = mode === "replace" || mode === "replaceAll";
  const names = files.map(({ row, uuid }) => ({ fileId: row["_id"] ?? null, storageId: uuid }));
  return [
    { name: "_storage", number: null, replace, documents: files.map(({ row }) => row) },
    { name: "_file_storage", number: null, replace, documents: names },
  ];
}

function iterable<T>(begin: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: begin };
}

function uuidOrNull(value: unknown): string | null {
  const isUuid =
    typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
  return isUuid ? value : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The person who imports can do something about it; it is not an error of the server. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof UploadRefused ||
    error instanceof ImportRefused ||
    error instanceof NumberTaken ||
    error instanceof FileRefused
  );
}
