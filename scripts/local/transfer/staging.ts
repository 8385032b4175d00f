/** Documents on their way in: read from what was uploaded, checked, and kept one a line. */
import { closeSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { checkDiskSpace } from "../database/diskSpace";
import type { DocumentJson } from "../database/types";

/** What was uploaded cannot be taken in; the message says where and why. */
export class UploadRefused extends Error {}

export type StagedTable = {
  name: string;
  file: string;
  rows: number;
  /** Of the first row with an id, whose table number is that of the table. */
  firstId: string | null;
  isMissingIds: boolean;
};

const FLUSH_CHARACTERS = 256 * 2 ** 10;
const READ_BYTES = 256 * 2 ** 10;

export class TableWriter {
  private buffer = "";
  private rows = 0;
  private firstId: string | null = null;
  private isMissingIds = false;

  private constructor(
    private readonly name: string,
    private readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  static async open(folder: string, name: string, number: number): Promise<TableWriter> {
    const file = path.join(folder, `${number}.jsonl`);
    return new TableWriter(name, file, await open(file, "w", 0o600));
  }

  async add(document: DocumentJson): Promise<void> {
    this.rows++;
    const { _id: id } = document;
    if (typeof id === "string") this.firstId ??= id;
    else this.isMissingIds = true;
    this.buffer += `${JSON.stringify(document)}\n`;
    if (this.buffer.length >= FLUSH_CHARACTERS) await this.flush();
  }

  async end(): Promise<StagedTable> {
    await this.flush();
    await this.handle.close();
    const { name, file, rows, firstId, isMissingIds } = this;
    return { name, file, rows, firstId, isMissingIds };
  }

  async abandon(): Promise<void> {
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    const text = this.buffer;
    this.buffer = "";
    if (text === "") return;
    // A zip can hold far more than it weighs.
    checkDiskSpace(path.dirname(this.file), Buffer.byteLength(text));
    await this.handle.writeFile(text);
  }
}

/** Read without waiting for anything, as the transaction that takes them in cannot wait. */
export function* stagedDocuments({ file }: StagedTable): Generator<DocumentJson> {
  const descriptor = openSync(file, "r");
  try {
    const chunk = Buffer.alloc(READ_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const length = readSync(descriptor, chunk);
      if (length === 0) return;
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
      let begin = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, begin)) {
        yield JSON.parse(bytes.toString("utf8", begin, end)) as DocumentJson;
        begin = end + 1;
      }
      rest = bytes.subarray(begin);
    }
  } finally {
    closeSync(descriptor);
  }
}
