/**
 * Knows whether a bundle is still that of the files it was made from, so that neither a start nor a
 * save pays for a build that would give the same. The project's files count by their content; those
 * of packages by size and time, which is what an installation changes.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { version as esbuildVersion } from "esbuild";
import type { Entries } from "./entries";
import { type Runtime, RUNTIMES } from "./esbuild";
import { withOpenFile } from "./openFiles";
import type { Project } from "./project";

/** In the folder of every whole bundle. */
export const MANIFEST = "manifest.json";

/** What one runtime runs: its files in the bundle's folder, and what they were made from. */
export type Part = { hash: string; inputs: string[]; files: string[] };
export type Kept = Part & { folder: string };
export type Manifest = { parts: Partial<Record<Runtime, Part>> };

/** What this folder does to the bundle is part of what it was made from. */
const OWN_FILES = ["./bundle.ts", "./esbuild.ts", "./modulesEntry.ts", "./inject.ts"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/** Of the bundles under `into` the parts that a build would make again; all of one bundle, if one has them. */
export async function currentParts(
  into: string,
  project: Project,
  entries: Entries,
): Promise<Partial<Record<Runtime, Kept>>> {
  const hashOf = fingerprints(project, entries);
  let found: Partial<Record<Runtime, Kept>> = {};
  for (const name of await readdir(into).catch((): string[] => [])) {
    if (name.startsWith(".")) continue;
    const current = await currentIn(path.join(into, name), hashOf);
    if (RUNTIMES.every((runtime) => entries[runtime].length === 0 || current[runtime]))
      return current;
    found = { ...found, ...current };
  }
  return found;
}

async function currentIn(
  folder: string,
  hashOf: (inputs: string[]) => Promise<string>,
): Promise<Partial<Record<Runtime, Kept>>> {
  const current: Partial<Record<Runtime, Kept>> = {};
  try {
    const manifest = JSON.parse(await readFile(path.join(folder, MANIFEST), "utf8")) as Manifest;
    for (const runtime of RUNTIMES) {
      const part = manifest.parts[runtime];
      if (part !== undefined && (await hashOf(part.inputs)) === part.hash) {
        current[runtime] = { ...part, folder };
      }
    }
  } catch {
    // A folder without a readable manifest, or a manifest whose files are gone: build anew.
  }
  return current;
}

/** What was made of these files as they are now. */
export async function describePart(
  project: Project,
  entries: Entries,
  inputs: string[],
): Promise<Omit<Part, "files">> {
  // Virtual modules, and those that a package switches off for browsers (`(disabled):fs`), have a
  // namespace in front and no file behind them.
  const files = [...new Set(inputs)]
    .filter((input) => !/^[a-z-]+:|^\(disabled\):/.test(input))
    .sort();
  return { hash: await fingerprints(project, entries)(files), inputs: files };
}

/** Removes the bundles that are not in use; what another build is about to finish stays. */
export async function keepOnly(into: string, folders: readonly string[]): Promise<void> {
  for (const name of await readdir(into)) {
    const other = path.join(into, name);
    if (name === `.building-${process.pid}` || folders.includes(other)) continue;
    await rm(other, { recursive: true, force: true });
  }
}

/** Whether one of a bundle's files was saved between that time and now. */
export async function changedSince(
  time: number,
  project: Project,
  inputs: readonly string[],
): Promise<boolean> {
  const now = Date.now();
  const saved = await Promise.all(
    inputs.map(async (input) => (await stat(path.resolve(project.root, input))).mtimeMs),
  );
  // A time that has yet to come is that of another clock, and says nothing.
  return saved.some((mtime) => mtime >= time && mtime <= now);
}

/** Gives the hash of files as they are; each is read once, however many parts it belongs to. */
function fingerprints(project: Project, entries: Entries): (inputs: string[]) => Promise<string> {
  const { root, functions, externalPackages } = project;
  const read = new Map<string, Promise<string>>();
  return async (inputs) => {
    const hash = createHash("sha256");
    hash.update(
      JSON.stringify([esbuildVersion, root, functions, externalPackages, entries, inputs]),
    );
    const files = [...inputs.map((input) => path.resolve(root, input)), ...OWN_FILES];
    const stamps = files.map((file) => {
      let stamp = read.get(file);
      if (stamp === undefined) read.set(file, (stamp = withOpenFile(() => stampOf(file))));
      return stamp;
    });
    for (const stamp of await Promise.all(stamps)) hash.update(stamp).update("\0");
    return hash.digest("hex");
  };
}

async function stampOf(file: string): Promise<string> {
  if (!file.includes(`${path.sep}node_modules${path.sep}`)) {
    return createHash("sha256")
      .update(await readFile(file))
      .digest("base64");
  }
  const { size, mtimeMs } = await stat(file);
  return `${size}:${mtimeMs}`;
}
