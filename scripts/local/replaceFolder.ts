/**
 * Puts a whole new folder in the place of another. A folder that is not empty cannot be replaced in
 * one step, so a note beside it says what is to be done when the new one is on disk: whoever comes
 * next finds the old folder and no note, or does the rest. Whatever ends the process, and whenever,
 * there is the old one or the new one.
 */
import { existsSync, rmSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "./problem";
import { readIfThere, writePrivately } from "./secrets";

/** How a process ends that is told to; what it was making goes with it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * What `make` leaves in a draft beside `target` takes its place. Of a process that was told to end
 * nothing is left, and what a killed one left goes when the next one begins, or `npm start`.
 */
export async function inDraft<T>(target: string, make: (draft: string) => Promise<T>): Promise<T> {
  await removeDrafts(target);
  const draft = `${draftsOf(target)}${process.pid}`;
  const end = (signal: keyof typeof SIGNALS): void => {
    rmSync(draft, { recursive: true, force: true });
    process.exit(SIGNALS[signal]);
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, end);
  let made: T;
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 });
    made = await make(draft);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, end);
  }
  await putInPlace(draft, target);
  return made;
}

function draftsOf(target: string): string {
  return `${target}.partial-`;
}

/** Removes what processes that are gone have left of their drafts. */
export async function removeDrafts(target: string): Promise<void> {
  const parent = path.dirname(target);
  if (!existsSync(parent)) return;
  const prefix = path.basename(draftsOf(target));
  for (const name of await readdir(parent)) {
    const pid = Number(name.slice(prefix.length));
    if (!name.startsWith(prefix) || !Number.isInteger(pid) || isRunning(pid)) continue;
    await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/** `draft` must lie beside `target`, and be no one else's. What was there stays as `<target>.before-<time>`. */
async function putInPlace(draft: string, target: string): Promise<void> {
  await syncTree(draft);
  await writePrivately(noteOf(target), path.basename(draft));
  await finishReplacing(target);
}

/** Does what is left of a replacement that was cut off; true if there was one. */
export async function finishReplacing(target: string): Promise<boolean> {
  const note = noteOf(target);
  const name = await readIfThere(note);
  if (name === null) return false;
  const parent = path.dirname(target);
  const draft = path.join(parent, path.basename(name));
  // Otherwise only the note was left.
  if (existsSync(draft)) {
    if (existsSync(target)) await rename(target, `${target}.before-${Date.now()}`);
    await rename(draft, target);
    await sync(parent);
  }
  await rm(note);
  return true;
}

function noteOf(target: string): string {
  return `${target}.replacing`;
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const child = path.join(folder, entry.name);
    await (entry.isDirectory() ? syncTree(child) : sync(child));
  }
  await sync(folder);
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  await handle.sync().finally(() => handle.close());
}
