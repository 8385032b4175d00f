/** The stored files of a deployment: their rows in the database and their bytes in a folder, in step. */
import { randomBytes, randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import type { Commit, Database, Transaction } from "../database/types";
import { newSystemId } from "../database/system";
import { messageOf, Problem } from "../problem";
import { Refusal } from "../runtime/errors";
import { log } from "../runtime/log";
import { readOrMake } from "../secrets";
import { FileFolder, type Received } from "./folder";
import { findByUuid, findFile, insertFile, removeFile, type StoredFile, withoutRow } from "./rows";
import { type TokenRefusal, UploadTokens } from "./uploadTokens";

export type { StoredFile } from "./rows";
export { FileRefused } from "./folder";

export type FilesOptions = {
  database: Database;
  /** The deployment's folder; the bytes lie in `storage` in it. */
  data: string;
  /** Of one file. */
  maxBytes: number;
  now?: () => number;
};

export type Source = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
export type FileDescription = { contentType: string | null; sha256: string | null };
export type OpenFile = { file: StoredFile; handle: FileHandle };

/** What an action or mutation can take into its memory at once. */
const MAX_BLOB_BYTES = 256 * 2 ** 20;
/** How many files one transaction of the sweep looks up. */
const SWEEP_BATCH = 500;

export class Files {
  readonly maxBytes: number;
  private readonly stopListening: () => void;
  private readonly sweep: Promise<void>;
  private closing = false;

  private constructor(
    private readonly database: Database,
    private readonly folder: FileFolder,
    private readonly tokens: UploadTokens,
    maxBytes: number,
    private readonly now: () => number,
  ) {
    this.maxBytes = maxBytes;
    this.stopListening = database.onCommit((commit) => {
      this.removeDeleted(commit);
    });
    this.sweep = this.removeLeftovers().catch((error: unknown) => {
      log("error", `Leftover files could not be removed: ${messageOf(error)}`);
    });
  }

  static async open({ database, data, maxBytes, now = Date.now }: FilesOptions): Promise<Files> {
    const key = await readOrMake(path.join(data, "upload.key"), () =>
      randomBytes(32).toString("base64url"),
    );
    const tokens = new UploadTokens(Buffer.from(key, "base64url"));
    try {
      const folder = await FileFolder.open(path.join(data, "storage"));
      return new Files(database, folder, tokens, maxBytes, now);
    } catch (error) {
      throw new Problem(`cannot use the folder of stored files: ${messageOf(error)}`);
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    this.stopListening();
    await this.sweep;
    this.folder.close();
  }

  /** Keeps the bytes of all files, also of deleted ones, until what it gives back is called. */
  async hold(): Promise<() => Promise<void>> {
    return await this.folder.hold();
  }

  uploadToken(): string {
    return this.tokens.issue(this.now());
  }

  refuseToken(token: string): TokenRefusal | null {
    return this.tokens.refuse(token, this.now());
  }

  /** Stores a file in a transaction of its own: when this resolves with its id, both are on disk. */
  async store(source: Source, description: FileDescription): Promise<string> {
    const received = await this.receive(source, description);
    try {
      await this.database.mutation(async (tx) => {
        this.insert(tx, received, description);
      });
    } catch (error) {
      await this.folder.remove(received.id);
      throw error;
    }
    return received.id;
  }

  /**
   * Puts the bytes on disk for `insert`, which gives them their row. If that never commits, they have
   * to be given to `discardUnowned`.
   */
  async receive(source: Source, { sha256 }: FileDescription): Promise<Received> {
    const id = newSystemId("_storage", this.now());
    return await this.folder.receive(id, source, { maxBytes: this.maxBytes, sha256 });
  }

  /**
   * Puts bytes on disk under an id that they bring, for an import that then writes their row. If it
   * does not, they have to be given to `discardUnowned`. @throws FileRefused
   */
  async receiveAs(id: string, source: Source, sha256: string | null): Promise<Received> {
    return await this.folder.receive(id, source, { maxBytes: this.maxBytes, sha256 });
  }

  /** The bytes under an id, or null if there are none; who asks has to close them. */
  async openBytes(id: string): Promise<FileHandle | null> {
    return await this.folder.openFile(id);
  }

  insert(tx: Transaction, received: Received, { contentType }: FileDescription): void {
    insertFile(tx, received, contentType, randomUUID());
  }

  /** Removes the bytes of those of the files that have no row. */
  async discardUnowned(ids: readonly string[]): Promise<void> {
    const unowned = await this.database.query(async (tx) => withoutRow(tx, ids));
    for (const id of unowned) await this.folder.remove(id);
  }

  find(tx: Transaction, storageId: string, method: string): StoredFile | null {
    return findFile(tx, storageId, method);
  }

  /** The bytes go when, and if, the transaction has committed. */
  delete(tx: Transaction, storageId: string): void {
    const file = findFile(tx, storageId, "delete");
    if (file === null) throw new Refusal(`storage id ${storageId} not found`);
    removeFile(tx, file);
  }

  /** A file by the name in its URL, opened; null if there is none. */
  async openByUuid(uuid: string): Promise<OpenFile | null> {
    const file = await this.database.query(async (tx) => findByUuid(tx, uuid));
    return file === null ? null : await this.open(file);
  }

  /** The whole of a file, or null if it has gone since it was found. */
  async read(file: StoredFile): Promise<Buffer | null> {
    if (file.size > MAX_BLOB_BYTES) {
      throw new Refusal(
        `The file has ${file.size} bytes, more than the ${MAX_BLOB_BYTES} that a function can hold; ` +
          "fetch its URL and read it as a stream",
      );
    }
    const opened = await this.open(file);
    if (opened === null) return null;
    try {
      return await opened.handle.readFile();
    } finally {
      await opened.handle.close();
    }
  }

  private async open(file: StoredFile): Promise<OpenFile | null> {
    const handle = await this.folder.openFile(file.id);
    return handle === null ? null : { file, handle };
  }

  private removeDeleted({ writes }: Commit): void {
    for (const { table, id, document } of writes) {
      if (table !== "_storage" || document !== null) continue;
      this.folder.remove(id).catch((error: unknown) => {
        // The next start tries again.
        log("error", `The deleted file ${id} could not be removed: ${messageOf(error)}`);
      });
    }
  }

  /** In the background: only what was there at the start can be left over from before. */
  private async removeLeftovers(): Promise<void> {
    const { found } = this.folder;
    for (let at = 0; at < found.length && !this.closing; at += SWEEP_BATCH) {
      await this.discardUnowned(found.slice(at, at + SWEEP_BATCH));
    }
  }
}
