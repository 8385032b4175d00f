/**
 * Knows whether a bundle is still that of the files it was made from, so that a start does not
 * pay for a build that would give the same. The project's files count by their content; those of
 * packages by size and time, which is what an installation changes.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { version as esbuildVersion } from "esbuild";
import type { Bundle, BundledModule } from "./bundle";
import type { Entries } from "./entries";
import type { Project } from "./project";

export type Manifest = { hash: string; inputs: string[]; modules: BundledModule[] };

/** What this folder does to the bundle is part of what it was made from. */
const OWN_FILES = ["./bundle.ts", "./modulesEntry.ts", "./inject.ts"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

export async function fingerprint(
  project: Project,
  entries: Entries,
  inputs: string[],
  modules: BundledModule[],
): Promise<Manifest> {
  // Virtual modules, and those that a package switches off for browsers (`(disabled):fs`), have a
  // namespace in front and no file behind them.
  const files = [...new Set(inputs)]
    .filter((input) => !/^[a-z-]+:|^\(disabled\):/.test(input))
    .sort();
  return { hash: await hashOf(project, entries, files), inputs: files, modules };
}

export async function cachedBundle(
  into: string,
  project: Project,
  entries: Entries,
): Promise<Bundle | null> {
  for (const name of await readdir(into).catch((): string[] => [])) {
    if (name.startsWith(".")) continue;
    const folder = path.join(into, name);
    try {
      const text = await readFile(path.join(folder, "manifest.json"), "utf8");
      const manifest = JSON.parse(text) as Manifest;
      if ((await hashOf(project, entries, manifest.inputs)) !== manifest.hash) continue;
      const modules = manifest.modules.map((m) => ({ ...m, file: path.join(folder, m.file) }));
      return { folder, project, modules };
    } catch {
      // A folder without a readable manifest, or a manifest whose files are gone: build anew.
    }
  }
  return null;
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
  { inputs }: Manifest,
): Promise<boolean> {
  const now = Date.now();
  const saved = await Promise.all(
    inputs.map(async (input) => (await stat(path.resolve(project.root, input))).mtimeMs),
  );
  // A time that has yet to come is that of another clock, and says nothing.
  return saved.some((mtime) => mtime >= time && mtime <= now);
}

async function hashOf(project: Project, entries: Entries, inputs: string[]): Promise<string> {
  const hash = createHash("sha256");
  const { root, functions, externalPackages } = project;
  hash.update(JSON.stringify([esbuildVersion, root, functions, externalPackages, entries, inputs]));
  const files = [...inputs.map((input) => path.resolve(root, input)), ...OWN_FILES];
  const parts = await Promise.all(files.map(partOf));
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

async function partOf(file: string): Promise<string | Buffer> {
  if (!file.includes(`${path.sep}node_modules${path.sep}`)) return await readFile(file);
  const { size, mtimeMs } = await stat(file);
  return `${size}:${mtimeMs}`;
}
