/**
 * The bytes of stored files: one file each, named by the id of its row. A file gets its name when it
 * is whole and on disk, and its row after that: a crash leaves files without rows, which the next
 * start removes, and never a row without its file.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { checkDiskSpace, withoutSpace } from "../database/diskSpace";
import { codeOf, messageOf } from "../problem";
import { log } from "../runtime/log";
import { areRemovalsHeld, holdRemovals } from "./holds";

export type Received = {
  id: string;
  size: number;
  /** Base64, as rows hold it. */
  sha256: string;
};

/** The bytes are not what the sender said, or too many. */
export class FileRefused extends Error {
  constructor(
    readonly code: "FileTooLarge" | "Sha256Mismatch",
    message: string,
  ) {
    super(message);
  }
}

export type Expected = {
  maxBytes: number;
  /** Base64. */
  sha256: string | null;
};

/** How often it is looked whether what had to stay may go. */
const RETRY_MS = 1_000;

export class FileFolder {
  /** To be removed when nobody holds them any more. What a stop leaves, the next start removes. */
  private readonly held = new Set<string>();
  private retry: NodeJS.Timeout | null = null;

  private constructor(
    private readonly folder: string,
    private readonly files: string,
    private readonly incoming: string,
    /** What stood there at the start; the files of before that have no row are left over. */
    readonly found: readonly string[],
  ) {}

  /** @throws what the file system says of `folder` */
  static async open(folder: string): Promise<FileFolder> {
    const files = path.join(folder, "files");
    const incoming = path.join(folder, "incoming");
    // What was on its way when the process ended will never be whole.
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
    await mkdir(files, { recursive: true });
    return new FileFolder(folder, files, incoming, await readdir(files));
  }

  /**
   * Writes what comes, piece by piece, and names it `id` when all of it is on disk.
   * @throws FileRefused, DiskFull, or what the source or the disk throws; nothing is kept then
   */
  async receive(
    id: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    expected: Expected,
  ): Promise<Received> {
    const draft = path.join(this.incoming, id);
    this.held.delete(id);
    try {
      const written = await writeDraft(draft, source, expected.maxBytes);
      if (expected.sha256 !== null && expected.sha256 !== written.sha256) {
        throw new FileRefused(
          "Sha256Mismatch",
          `Sha256 mismatch. Expected: ${expected.sha256} Actual: ${written.sha256}`,
        );
      }
      await rename(draft, this.pathOf(id));
      await syncFolder(this.files);
      return { id, ...written };
    } catch (error) {
      await rm(draft, { force: true });
      throw withoutSpace(error);
    }
  }

  /** The open file, or null if there is none. Who asks has to close it. */
  async openFile(id: string): Promise<FileHandle | null> {
    try {
      return await open(this.pathOf(id), "r");
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  /** Keeps all bytes until what it gives back is called. */
  async hold(): Promise<() => Promise<void>> {
    return await holdRemovals(this.folder);
  }

  /** Now, or when nobody holds the files any more. */
  async remove(id: string): Promise<void> {
    if (await areRemovalsHeld(this.folder)) {
      this.held.add(id);
      this.retryLater();
    } else await rm(this.pathOf(id), { force: true });
  }

  close(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.held.clear();
  }

  private retryLater(): void {
    this.retry ??= setTimeout(() => {
      this.retry = null;
      this.removeHeld().catch((error: unknown) => {
        log("error", `Deleted files could not be removed: ${messageOf(error)}`);
      });
    }, RETRY_MS).unref();
  }

  private async removeHeld(): Promise<void> {
    if (await areRemovalsHeld(this.folder)) {
      this.retryLater();
      return;
    }
    for (const id of this.held) {
      this.held.delete(id);
      await rm(this.pathOf(id), { force: true });
    }
  }

  private pathOf(id: string): string {
    return path.join(this.files, id);
  }
}

async function writeDraft(
  draft: string,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  const handle = await open(draft, "wx", 0o600);
  try {
    for await (const chunk of source) {
      size += chunk.byteLength;
      if (size > maxBytes) {
        throw new FileRefused("FileTooLarge", `The file is larger than ${maxBytes} bytes`);
      }
      checkDiskSpace(draft, chunk.byteLength);
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest("base64") };
}

/** A name is only durable with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
