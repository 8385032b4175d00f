/**
 * Puts a whole new folder in the place of another. A folder that is not empty cannot be replaced in
 * one step, so a note beside it says what is to be done when the new one is on disk: whoever comes
 * next finds the old folder and no note, or does the rest. Whatever ends the process, and whenever,
 * there is the old one or the new one.
 */
import { existsSync } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { readIfThere, writePrivately } from "./secrets";

/** `draft` must lie beside `target`, and be no one else's. What was there stays as `<target>.before-<time>`. */
export async function putInPlace(draft: string, target: string): Promise<void> {
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
