/** Calls when something in a folder, or one file, has changed, once for changes that come together. */
import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { messageOf } from "./problem";
import { log } from "./runtime/log";

/** An editor writes a file in several steps, and "save all" several files. */
const SETTLE_MS = 30;

/**
 * Watches the folders themselves, not their files: many editors replace a file when they save it, and
 * the watch of the file would stay with the one that is gone.
 */
export class FolderWatch {
  private readonly watchers = new Map<string, FSWatcher>();
  private timer: NodeJS.Timeout | null = null;
  private closed = false;

  private constructor(
    private readonly root: string,
    private readonly onChange: () => void,
  ) {}

  static async open(root: string, onChange: () => void): Promise<FolderWatch> {
    const folderWatch = new FolderWatch(root, onChange);
    await folderWatch.follow();
    return folderWatch;
  }

  close(): void {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
  }

  /** Brings the watchers in line with the folders that there are. */
  private async follow(): Promise<void> {
    const folders = new Set(await foldersIn(this.root));
    if (this.closed) return;
    for (const [folder, watcher] of this.watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    for (const folder of folders) if (!this.watchers.has(folder)) this.add(folder);
  }

  private add(folder: string): void {
    const watcher = watch(folder, () => {
      this.changed();
    });
    watcher.on("error", () => {
      // The folder has gone; `follow` will see whether it is back.
      watcher.close();
      this.watchers.delete(folder);
      this.changed();
    });
    this.watchers.set(folder, watcher);
  }

  private changed(): void {
    if (this.closed) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.follow()
        .catch((error: unknown) => {
          log("error", `${this.root} cannot be watched: ${messageOf(error)}`);
        })
        .finally(this.onChange);
    }, SETTLE_MS);
  }
}

/** Calls when the file is saved, appears or goes; its folder must stay. */
export function watchFile(file: string, onChange: () => void): { close(): void } {
  let timer: NodeJS.Timeout | null = null;
  const watcher = watch(path.dirname(file), (_event, name) => {
    if (name !== path.basename(file)) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  });
  watcher.on("error", (error) => {
    log("error", `${file} cannot be watched any more: ${messageOf(error)}`);
  });
  return {
    close: () => {
      if (timer !== null) clearTimeout(timer);
      watcher.close();
    },
  };
}

async function foldersIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
  return [root, ...folders.map((entry) => path.join(entry.parentPath, entry.name))];
}
