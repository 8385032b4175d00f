/**
 * Refuses a write before it fills the disk. LMDB meets a full disk as an input/output error in the
 * middle of a commit; what is kept free here also lets logs and the removal of data go on.
 */
import { statfsSync } from "node:fs";

/** Kept free, beside what a write may need itself. */
const RESERVE_BYTES = 4 * 2 ** 20;
/** Of a changed byte, the pages that are written anew for it: a bound that is rarely met. */
const GROWTH = 4;

/** Nothing was written, and the same write will do when there is space. */
export class DiskFull extends Error {
  override readonly name = "ServiceUnavailable";

  constructor() {
    super("ServiceUnavailable: the disk is full, nothing was written. Reading goes on.");
  }
}

/** @throws DiskFull */
export function checkDiskSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < RESERVE_BYTES + GROWTH * bytes) throw new DiskFull();
}
