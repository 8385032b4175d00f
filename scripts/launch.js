/**
 * `npm start`: runs `scripts/start.ts` bundled into one file, which is ready in half the time that
 * its hundred files take when each is compiled on its way in. The bundle is kept under
 * `node_modules/.cache/freehold`, and taken only while all that it was made from, and itself, have
 * the hashes they had.
 *
 * This file is JavaScript because it is what Node runs first.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SCRIPTS = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(SCRIPTS);
/** What decides on the bundle beside the sources. */
const MADE_WITH = [
  fileURLToPath(import.meta.url),
  path.join(ROOT, "tsconfig.json"),
  path.join(ROOT, "node_modules/esbuild/package.json"),
];
/** Worktrees may share their packages, and a bundle names files of its own tree. */
const CACHE = path.join(ROOT, "node_modules/.cache/freehold", `start-${sha256(ROOT).slice(0, 8)}`);
/** How long a bundle outlives the next: another start may be about to load it. */
const KEPT_MS = 3_600_000;

/** @typedef {{ names: string, inputs: Record<string, string>, bundle: string }} Manifest */

// Stacks name the sources.
process.setSourceMapsEnabled(true);
await import(pathToFileURL(keptBundle() ?? (await newBundle())).href);

/** The file of a bundle that is made of the sources as they are, or null. */
function keptBundle() {
  for (const name of foldersIn(CACHE).filter((name) => !name.startsWith("."))) {
    const bundle = path.join(CACHE, name, "start.mjs");
    try {
      /** @type {Manifest} */
      const manifest = JSON.parse(readFileSync(path.join(CACHE, name, "manifest.json"), "utf8"));
      const inputs = Object.entries(manifest.inputs);
      if (
        manifest.names === sourceNames() &&
        inputs.every(([file, hash]) => sha256(readFileSync(file)) === hash) &&
        sha256(readFileSync(bundle)) === manifest.bundle
      ) {
        return bundle;
      }
    } catch {
      // Cut off while it was written, or made of files that are gone: not of these sources.
    }
  }
  return null;
}

async function newBundle() {
  const building = path.join(CACHE, `.${randomUUID()}`);
  // Under a name of its own: others may build the same at this moment.
  const folder = path.join(CACHE, randomUUID());
  try {
    mkdirSync(building, { recursive: true });
    await buildInto(building);
    renameSync(building, folder);
    removeOld();
    return path.join(folder, "start.mjs");
  } catch (error) {
    // Packages that only another user may write, or sources that do not build, which tsx says too.
    process.stderr.write(`freehold: starts without a bundle of itself: ${String(error)}\n`);
    const { register } = await import("tsx/esm/api");
    register();
    return path.join(SCRIPTS, "start.ts");
  } finally {
    if (existsSync(building)) rmSync(building, { recursive: true, force: true });
  }
}

/** @param {string} folder */
async function buildInto(folder) {
  const { build } = await import("esbuild");
  const names = sourceNames();
  /** @type {Record<string, string>} Of what has been built, whatever is saved meanwhile. */
  const inputs = Object.fromEntries(MADE_WITH.map((file) => [file, sha256(readFileSync(file))]));
  /** @type {import("esbuild").Plugin} */
  const sources = {
    name: "sources",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
        const text = readFileSync(file, "utf8");
        inputs[file] = sha256(text);
        const url = JSON.stringify(pathToFileURL(file).href);
        return { contents: text.replaceAll("import.meta.url", url), loader: "ts" };
      });
    },
  };
  const outfile = path.join(folder, "start.mjs");
  await build({
    entryPoints: [path.join(SCRIPTS, "start.ts")],
    absWorkingDir: ROOT,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "linked",
    sourcesContent: false,
    plugins: [sources],
    outfile,
    logLevel: "silent",
  });
  /** @type {Manifest} */
  const manifest = { names, inputs, bundle: sha256(readFileSync(outfile)) };
  writeFileSync(path.join(folder, "manifest.json"), JSON.stringify(manifest));
}

/** What other sources left behind, and builds that were cut off. */
function removeOld() {
  for (const name of foldersIn(CACHE)) {
    const folder = path.join(CACHE, name);
    const made = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - made > KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}

/** A file more or less can change what an import means. */
function sourceNames() {
  const names = readdirSync(SCRIPTS, { recursive: true, encoding: "utf8" });
  return sha256(names.sort().join("\n"));
}

function foldersIn(/** @type {string} */ folder) {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function sha256(/** @type {string | Buffer} */ content) {
  return createHash("sha256").update(content).digest("hex");
}
