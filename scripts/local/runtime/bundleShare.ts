/**
 * Bundles that were built and loaded once, kept beside the project's packages, so that the next new
 * data folder does not wait for a build. A data folder runs from a copy of its own: what is kept here
 * may go at any time, as `npm ci` makes it go. Whether a bundle is still that of the sources is not
 * known here; `bundle.ts` asks that of everything it finds in a data folder.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import {
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { codeOf, messageOf } from "../problem";
import type { Bundle } from "./bundle";
import { log } from "./log";
import { findProject, type Project } from "./project";

/** Of all other files of a kept bundle: one that was cut off, or touched since, is not taken. */
const DIGEST = "digest";
const KEPT = 3;
const HOUR_MS = 3_600_000;

/** Copies the bundle that was used last to the bundles in `into`, unless it is one of them. */
export async function takeShared(functions: string, into: string): Promise<void> {
  const [newest] = await sharedBundles(findProject(functions));
  if (newest === undefined) return;
  const place = path.join(into, path.basename(newest));
  if (existsSync(place)) return;
  const copy = path.join(into, `.copying-${randomUUID()}`);
  try {
    await mkdir(into, { recursive: true });
    await cp(newest, copy, { recursive: true, verbatimSymlinks: true });
    const digest = await readFile(path.join(copy, DIGEST), "utf8");
    if (digest === (await digestOf(copy))) await rename(copy, place);
    else await rm(newest, { recursive: true, force: true });
  } catch {
    // Gone while it was copied, or there is no room for it: a build says so better.
  } finally {
    if (existsSync(copy)) await rm(copy, { recursive: true, force: true });
  }
}

/** Keeps a bundle that has been loaded. Where that is not possible, nothing but time is lost. */
export async function shareBundle({ folder, project }: Bundle): Promise<void> {
  if (!existsSync(path.join(project.root, "node_modules"))) return;
  const shared = sharedFolder(project);
  const place = path.join(shared, path.basename(folder));
  const copy = path.join(shared, `.copying-${randomUUID()}`);
  try {
    if (existsSync(place)) {
      await utimes(place, new Date(), new Date());
      return;
    }
    await cp(folder, copy, { recursive: true, verbatimSymlinks: true });
    await writeFile(path.join(copy, DIGEST), await digestOf(copy));
    await rename(copy, place);
    await removeOld(project);
  } catch (error) {
    if (existsSync(copy)) await rm(copy, { recursive: true, force: true });
    // Somebody else has kept the same meanwhile.
    if (["EEXIST", "ENOTEMPTY"].includes(codeOf(error) ?? "")) return;
    log("info", `The bundle is not kept for other data folders: ${messageOf(error)}`);
  }
}

/** By the folder's path: worktrees may share their packages. */
function sharedFolder({ root, functions }: Project): string {
  const key = createHash("sha256").update(functions).digest("hex").slice(0, 8);
  return path.join(root, "node_modules/.cache/freehold", `functions-${key}`);
}

/** The one used last first. */
async function sharedBundles(project: Project): Promise<string[]> {
  const folders = await foldersIn(sharedFolder(project));
  return folders.filter(({ isCopying }) => !isCopying).map(({ folder }) => folder);
}

/** All but those used last, and copies that were cut off. */
async function removeOld(project: Project): Promise<void> {
  const folders = await foldersIn(sharedFolder(project));
  const whole = folders.filter(({ isCopying }) => !isCopying);
  const cutOff = folders.filter(({ isCopying, used }) => isCopying && Date.now() - used > HOUR_MS);
  for (const { folder } of [...whole.slice(KEPT), ...cutOff]) {
    await rm(folder, { recursive: true, force: true });
  }
}

type Folder = { folder: string; isCopying: boolean; used: number };

async function foldersIn(shared: string): Promise<Folder[]> {
  const names = await readdir(shared).catch((): string[] => []);
  const folders = names.map(async (name): Promise<Folder> => {
    const folder = path.join(shared, name);
    const stats = await stat(folder).catch(() => null);
    return { folder, isCopying: name.startsWith("."), used: stats?.mtimeMs ?? 0 };
  });
  return (await Promise.all(folders)).sort((a, b) => b.used - a.used);
}

async function digestOf(folder: string): Promise<string> {
  const listing = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = listing
    .filter((entry) => entry.isFile() && entry.name !== DIGEST)
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const hash = createHash("sha256");
  for (const file of files) {
    hash
      .update(`${path.relative(folder, file)}\0`)
      .update(await readFile(file))
      .update("\0");
  }
  return hash.digest("hex");
}
