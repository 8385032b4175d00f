/**
 * Backups of a data folder: a copy of the database as it was at one moment (LMDB's own, taken beside
 * a server that goes on), the stored files, the keys, and a manifest with the hash of everything.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { constants, copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { claimFolder } from "./database/folder";
import { copyStore } from "./database/store";
import { holdRemovals } from "./files/holds";
import { codeOf, messageOf, Problem } from "./problem";
import { finishReplacing, inDraft } from "./replaceFolder";
import { writePrivately } from "./secrets";

const MANIFEST = "backup.json";
const FORMAT = 1;
const STORE = path.join("database", "store");
const FILES = path.join("storage", "files");
/** Of the process, not of the data. */
const LEFT_OUT = new Set(["server.pid", MANIFEST]);

type Entry = { path: string; size: number; sha256: string };
type Manifest = { format: number; takenAt: string; files: Entry[] };

export type Copied = { files: number; bytes: number };

/** Resolves when the whole backup stands under `to`, which must not exist before. */
export async function backUp(data: string, to: string): Promise<Copied> {
  if (!existsSync(path.join(data, STORE, "data.mdb"))) {
    throw new Problem(`${data} holds no Freehold data`);
  }
  if (existsSync(to)) throw new Problem(`${to} exists already; name another with --to`);
  return await inDraft(to, async (draft) => {
    // Bytes are on disk before their row, never change, and stay from here on though their row may go.
    const release = await holdRemovals(path.join(data, "storage"));
    try {
      await mkdir(path.join(draft, STORE), { recursive: true });
      await copyStore(path.join(data, STORE), path.join(draft, STORE));
      await copyFiles(path.join(data, FILES), path.join(draft, FILES));
    } finally {
      await release();
    }
    await copyTopLevel(data, draft);
    const files = await describe(draft);
    const manifest: Manifest = { format: FORMAT, takenAt: new Date().toISOString(), files };
    await writePrivately(path.join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    return sumOf(files);
  });
}

/**
 * Puts a backup in the place of a data folder when all of it has been found whole. What was there is
 * kept beside it, and only replaced with `force`.
 */
export async function restore(from: string, data: string, force: boolean): Promise<Copied> {
  const { files } = await readManifest(from);
  await finishReplacing(data);
  const isTaken = existsSync(data) && (await readdir(data)).length > 0;
  if (isTaken && !force) {
    throw new Problem(
      `${data} is not empty; --force yes puts it aside, or name another with --data`,
    );
  }
  if (isTaken) await refuseIfRunning(data);
  return await inDraft(data, async (draft) => {
    for (const { path: name, size, sha256 } of files) {
      const target = path.join(draft, name);
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(path.join(from, name), target).catch((error: unknown) => {
        throw new Problem(`the backup lacks ${name}: ${messageOf(error)}`);
      });
      const found = await describeFile(draft, name);
      if (found.size !== size || found.sha256 !== sha256) {
        throw new Problem(`the backup is damaged: ${name} is not what its manifest says`);
      }
    }
    // A server that has been started meanwhile goes on.
    if (isTaken) await refuseIfRunning(data);
    return sumOf(files);
  });
}

async function refuseIfRunning(data: string): Promise<void> {
  const database = path.join(data, "database");
  if (!existsSync(database)) return;
  try {
    await claimFolder(database).release();
  } catch (error) {
    throw new Problem(messageOf(error));
  }
}

async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await namesIn(from)) {
    try {
      await copyFile(path.join(from, name), path.join(to, name), constants.COPYFILE_FICLONE);
    } catch (error) {
      // Its removal had begun before the hold, so the copied rows do not speak of it.
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) ? await readdir(folder) : [];
}

async function copyTopLevel(data: string, draft: string): Promise<void> {
  for (const entry of await readdir(data, { withFileTypes: true })) {
    if (!entry.isFile() || LEFT_OUT.has(entry.name) || entry.name.endsWith(".tmp")) continue;
    await copyFile(path.join(data, entry.name), path.join(draft, entry.name));
  }
}

async function describe(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
  const described: Entry[] = [];
  for (const name of names) described.push(await describeFile(folder, name));
  return described;
}

async function describeFile(folder: string, name: string): Promise<Entry> {
  const file = path.join(folder, name);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { path: name, size: (await stat(file)).size, sha256: hash.digest("hex") };
}

async function readManifest(from: string): Promise<Manifest> {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(path.join(from, MANIFEST), "utf8")) as Manifest;
  } catch (error) {
    throw new Problem(`${from} is not a whole backup: ${messageOf(error)}`);
  }
  if (manifest.format > FORMAT) {
    throw new Problem(`${from} was made by a newer version (format ${manifest.format})`);
  }
  const isOutside = ({ path: name }: Entry): boolean =>
    path.isAbsolute(name) || name.split(path.sep).includes("..");
  if (manifest.files.some(isOutside)) throw new Problem(`${from} names files outside of itself`);
  return manifest;
}

function sumOf(files: readonly Entry[]): Copied {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
}
