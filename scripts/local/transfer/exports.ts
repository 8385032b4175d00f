/**
 * Exports for `convex export`: one at a time, made in the background from one snapshot while the
 * server goes on. The last one can be downloaded until the next one or a restart.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { integerJson } from "../database/documents";
import type { Database, DocumentJson, Transaction } from "../database/types";
import type { Files } from "../files";
import { messageOf } from "../problem";
import { log } from "../runtime/log";
import { systemRows } from "../system/call";
import { writeSnapshot } from "./writeSnapshot";

const TABLE = "_exports";

/** As the command line reads it: int64 timestamps in nanoseconds. */
type ExportState =
  | { state: "requested" }
  | { state: "in_progress"; start_ts: DocumentJson }
  | { state: "failed"; start_ts: DocumentJson; error: string }
  | {
      state: "completed";
      start_ts: DocumentJson;
      complete_ts: DocumentJson;
      zip_object_key: string;
    };
type Row = ExportState & { _id: string; _creationTime: number };

export class ExportInProgress extends Error {
  constructor() {
    super("There is already an export requested or in progress.");
  }
}

export function latestExport(tx: Transaction): Row | null {
  const [row] = systemRows<Row>(tx, TABLE);
  return row ?? null;
}

export class Exports {
  private running: Promise<void> | null = null;

  private constructor(
    private readonly database: Database,
    private readonly files: Files,
    private readonly folder: string,
  ) {}

  static async open(database: Database, files: Files, data: string): Promise<Exports> {
    const exports = new Exports(database, files, path.join(data, "exports"));
    // What was being made when the process ended is not whole, and the rest is of no more use.
    await exports.clear();
    return exports;
  }

  /** Begins an export; how it goes is in its row. @throws ExportInProgress */
  async request(includeStorage: boolean): Promise<void> {
    if (this.running !== null) throw new ExportInProgress();
    const ready = this.begin();
    this.running = ready
      .then(() => this.make(includeStorage))
      .catch((error: unknown) => {
        log("error", `The export failed: ${messageOf(error)}`);
      })
      .finally(() => {
        this.running = null;
      });
    await ready;
  }

  /** Where the export of that timestamp lies, whole. */
  fileOf(startTs: string): string {
    return path.join(this.folder, `${startTs}.zip`);
  }

  async close(): Promise<void> {
    await this.running;
  }

  private async begin(): Promise<void> {
    await this.clear();
    await this.note({ state: "requested" });
  }

  private async make(includeStorage: boolean): Promise<void> {
    // From before the snapshot, so that what its rows name is there when it is its turn.
    const release = includeStorage ? await this.files.hold() : null;
    const snapshot = this.database.snapshot();
    const start_ts = integerJson(snapshot.ts);
    try {
      await this.note({ state: "in_progress", start_ts });
      const file = this.fileOf(String(snapshot.ts));
      await writeSnapshot(snapshot, includeStorage ? this.files : null, `${file}.part`);
      await rename(`${file}.part`, file);
      const complete_ts = integerJson(BigInt(Date.now()) * 1_000_000n);
      const zip_object_key = path.basename(file);
      await this.note({ state: "completed", start_ts, complete_ts, zip_object_key });
    } catch (error) {
      log("error", `The export failed: ${messageOf(error)}`);
      await this.note({ state: "failed", start_ts, error: messageOf(error) });
    } finally {
      snapshot.release();
      await release?.();
    }
  }

  private async note(state: ExportState): Promise<void> {
    await this.database.mutation(async (tx) => {
      const row = latestExport(tx);
      if (row !== null) tx.system.remove(row._id);
      tx.system.insert(TABLE, state);
    });
  }

  private async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await this.database.mutation(async (tx) => {
      const row = latestExport(tx);
      if (row !== null) tx.system.remove(row._id);
    });
  }
}
