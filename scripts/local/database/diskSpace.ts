/**
 * Refuses a write before it fills the disk. LMDB meets a full disk as an input/output error in the
 * middle of a commit; what is kept free here also lets logs and the removal of data go on.
 */
import { statfsSync } from "node:fs";
import { codeOf } from "../problem";
import { Unavailable } from "./unavailable";

/** Kept free, beside what a write may need itself. */
const RESERVE_BYTES = 4 * 2 ** 20;

/** Nothing of the write was kept, and the same write will do when there is space. */
export class DiskFull extends Unavailable {
  constructor() {
    super("the disk is full, the write was refused. Reading goes on.", 30);
  }
}

/** The disk's own refusal in our words, whether it says that it is full or that a quota is reached. */
export function withoutSpace(error: unknown): unknown {
  return ["ENOSPC", "EDQUOT"].includes(codeOf(error) ?? "") ? new DiskFull() : error;
}

/** @param bytes what the write takes on disk. @throws DiskFull */
export function checkDiskSpace(folder: string, bytes: number): void {
  if (freeBytes(folder) < RESERVE_BYTES + bytes) throw new DiskFull();
}

/** How long the system's word holds, less what has been written since: as long as a few commits take. */
const WORD_HOLDS_MS = 50;

/** The same for many small writes to one folder, for which the system is not asked each time. */
export class DiskSpace {
  private left = 0;
  private askedAt = -Infinity;

  constructor(private readonly folder: string) {}

  /** @throws DiskFull */
  take(bytes: number): void {
    const now = performance.now();
    if (now - this.askedAt > WORD_HOLDS_MS || this.left < RESERVE_BYTES + bytes) {
      this.left = freeBytes(this.folder);
      this.askedAt = now;
    }
    if (this.left < RESERVE_BYTES + bytes) throw new DiskFull();
    this.left -= bytes;
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
