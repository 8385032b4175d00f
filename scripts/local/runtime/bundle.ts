/**
 * The functions folder as it is run: one file for all modules of the default runtime, and one for
 * each `"use node"` module. Only the runtime of which a file has changed is bundled anew; what the
 * other one runs is taken from the bundle before.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { constants, copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { codeOf, Problem } from "../problem";
import {
  changedSince,
  currentParts,
  describePart,
  type Kept,
  MANIFEST,
  type Manifest,
  type Part,
} from "./bundleCache";
import { AUTH_CONFIG, type Entries, findEntries } from "./entries";
import { type Build, buildOnce, buildRuntime, modulePath, type Runtime, RUNTIMES } from "./esbuild";
import { MODULES_ENTRY } from "./modulesEntry";
import { findProject, type Project } from "./project";

export type BundledModule = {
  /** As functions are named: the path inside the folder, without extension. */
  path: string;
  /** The bundled file. */
  file: string;
  environment: Runtime;
};
export type Bundle = { folder: string; project: Project; modules: BundledModule[] };

const MAX_ATTEMPTS = 5;

/**
 * The bundle of `functions`, in a folder of its own under `into`; made anew only when a file that
 * went into it has changed.
 */
export async function bundleFunctions(
  functions: string,
  into: string,
  build: Build = buildOnce,
): Promise<Bundle> {
  const project = findProject(functions);
  const entries = findEntries(project.functions);
  const runtimes = RUNTIMES.filter((runtime) => entries[runtime].length > 0);
  const building = path.join(into, `.building-${process.pid}`);
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const begun = Date.now();
      const kept = await currentParts(into, project, entries);
      const [whole, ...others] = new Set(runtimes.map((runtime) => kept[runtime]?.folder));
      if (whole !== undefined && others.length === 0) return bundleIn(whole, project, entries);

      await rm(building, { recursive: true, force: true });
      await mkdir(building, { recursive: true });
      const parts = await inParallel(runtimes, async (runtime): Promise<[Runtime, Part]> => {
        const part = kept[runtime];
        if (part !== undefined) return [runtime, await takeOver(part, building)];
        return [runtime, await buildPart(runtime, building, project, entries, build)];
      });
      await linkPackages(project, building);
      // What was saved meanwhile may be in the manifest and not in the bundle.
      const inputs = parts.flatMap(([, part]) => part.inputs);
      if (await changedSince(begun, project, inputs)) continue;
      const manifest: Manifest = { parts: Object.fromEntries(parts) };
      await writeFile(path.join(building, MANIFEST), JSON.stringify(manifest));
      const folder = path.join(into, nameOf(manifest));
      await rm(folder, { recursive: true, force: true });
      await rename(building, folder);
      return bundleIn(folder, project, entries);
    }
    throw new Problem(`the files in ${project.functions} change while they are bundled`);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/** All have ended before one's failure is told: none may write into the folder of the next attempt. */
async function inParallel<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const runs = items.map(run);
  await Promise.allSettled(runs);
  return await Promise.all(runs);
}

async function takeOver({ folder, ...part }: Kept, building: string): Promise<Part> {
  for (const file of part.files) {
    const target = path.join(building, file);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(path.join(folder, file), target, constants.COPYFILE_FICLONE);
  }
  return part;
}

async function buildPart(
  runtime: Runtime,
  building: string,
  project: Project,
  entries: Entries,
  build: Build,
): Promise<Part> {
  const { inputs, outputs } = await buildRuntime(
    runtime,
    project,
    entries[runtime],
    building,
    build,
  );
  for (const { path: file, contents } of outputs) {
    const target = path.join(building, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, contents);
  }
  const part = await describePart(project, entries, inputs);
  return { ...part, files: outputs.map(({ path: file }) => file) };
}

function bundleIn(folder: string, project: Project, entries: Entries): Bundle {
  const modules = RUNTIMES.flatMap((runtime) =>
    entries[runtime].map((file): BundledModule => {
      const name = modulePath(project, file);
      const isAlone = runtime === "node" || name === AUTH_CONFIG;
      const bundled = `${isAlone ? name : MODULES_ENTRY}.mjs`;
      return {
        path: name,
        file: path.join(folder, runtime, ...bundled.split("/")),
        environment: runtime,
      };
    }),
  );
  return { folder, project, modules };
}

function nameOf({ parts }: Manifest): string {
  const hashes = RUNTIMES.map((runtime) => parts[runtime]?.hash ?? "");
  return createHash("sha256").update(hashes.join()).digest("hex").slice(0, 16);
}

/** External packages are found where the project has them, wherever the data folder lies. */
async function linkPackages(project: Project, folder: string): Promise<void> {
  const packages = path.join(project.root, "node_modules");
  if (!existsSync(packages)) return;
  try {
    await symlink(packages, path.join(folder, "node_modules"), "junction");
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
