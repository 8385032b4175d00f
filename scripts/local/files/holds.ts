/**
 * Holds on the removal of stored files: while somebody copies a deployment, whether its own server or
 * `npm run backup` beside it, the bytes of deleted files stay, as the copied rows may speak of them.
 * A hold is a file that its holder keeps touching; that of a process that was killed ends by itself.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "../problem";

const TOUCH_EVERY_MS = 5_000;
const ENDS_AFTER_MS = 60_000;

/** From when this resolves until what it gives back is called, no file is removed from `storage`. */
export async function holdRemovals(storage: string): Promise<() => Promise<void>> {
  const folder = folderIn(storage);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const hold = path.join(folder, randomUUID());
  await writeFile(hold, "", { mode: 0o600 });
  const touching = setInterval(() => {
    const now = new Date();
    // Who finds it gone has seen it end.
    utimes(hold, now, now).catch(() => undefined);
  }, TOUCH_EVERY_MS);
  return async () => {
    clearInterval(touching);
    await rm(hold, { force: true });
  };
}

export async function areRemovalsHeld(storage: string): Promise<boolean> {
  const folder = folderIn(storage);
  for (const name of await unlessGone(readdir(folder), [])) {
    const hold = path.join(folder, name);
    const touched = await unlessGone(
      stat(hold).then(({ mtimeMs }) => mtimeMs),
      0,
    );
    if (Date.now() - touched < ENDS_AFTER_MS) return true;
    await rm(hold, { force: true });
  }
  return false;
}

function folderIn(storage: string): string {
  return path.join(storage, "holds");
}

async function unlessGone<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return otherwise;
    throw error;
  }
}
