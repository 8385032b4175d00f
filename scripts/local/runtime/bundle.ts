/**
 * Bundles the functions folder with esbuild, with the options of the Convex CLI: what builds and
 * runs here builds and runs there. Two builds, because a `"use node"` module may use what Node
 * has and a module of the default runtime may not.
 */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildFailure, type Metafile, type Plugin } from "esbuild";
import { codeOf, Problem } from "../problem";
import { AUTH_CONFIG, type Entries, findEntries } from "./entries";
import { cachedBundle, changedSince, fingerprint, type Manifest } from "./bundleCache";
import { MODULES_ENTRY, modulesEntry } from "./modulesEntry";
import { findProject, type Project } from "./project";

export type BundledModule = {
  /** As functions are named: the path inside the folder, without extension. */
  path: string;
  /** The bundled file. */
  file: string;
  environment: "isolate" | "node";
};
export type Bundle = { folder: string; project: Project; modules: BundledModule[] };

/** The globals that a function of the default runtime sees instead of Node's own. */
const INJECT = fileURLToPath(new URL("./inject.ts", import.meta.url));
/** The thread that runs the `"use node"` modules, in the same folder as they. */
const NODE_THREAD = fileURLToPath(new URL("./node/thread.ts", import.meta.url));
export const NODE_THREAD_FILE = "node-thread.mjs";

/**
 * The bundle of `functions`, in a folder of its own under `into`; made anew only when a file that
 * went into it has changed.
 */
export async function bundleFunctions(functions: string, into: string): Promise<Bundle> {
  const project = findProject(functions);
  const entries = findEntries(project.functions);
  const cached = await cachedBundle(into, project, entries);
  if (cached !== null) return cached;

  const building = path.join(into, `.building-${process.pid}`);
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const begun = Date.now();
      const manifest = await buildInto(building, project, entries);
      // What was saved meanwhile may be in the manifest and not in the bundle.
      if (await changedSince(begun, project, manifest)) continue;
      await writeFile(path.join(building, "manifest.json"), JSON.stringify(manifest));
      const folder = path.join(into, manifest.hash.slice(0, 16));
      await rm(folder, { recursive: true, force: true });
      await rename(building, folder);
      const modules = manifest.modules.map((m) => ({ ...m, file: path.join(folder, m.file) }));
      return { folder, project, modules };
    }
    throw new Problem(`the files in ${project.functions} change while they are bundled`);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const MAX_ATTEMPTS = 5;

async function buildInto(building: string, project: Project, entries: Entries): Promise<Manifest> {
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  const environments = (["isolate", "node"] as const).filter((name) => entries[name].length > 0);
  const builds = environments.map((name) => runEsbuild(project, entries[name], name, building));
  if (entries.node.length > 0) builds.push(bundleThread(project, building));
  // All have ended before one's failure is told: none may write into the folder of the next attempt.
  await Promise.allSettled(builds);
  const metafiles = await Promise.all(builds);
  await linkPackages(project, building);
  const modules = environments.flatMap((environment) =>
    entries[environment].map((file) => {
      const name = modulePath(project, file);
      const isAlone = environment === "node" || name === AUTH_CONFIG;
      const bundled = `${isAlone ? name : MODULES_ENTRY}.mjs`;
      return { path: name, file: path.join(environment, ...bundled.split("/")), environment };
    }),
  );
  const inputs = metafiles.flatMap((meta) => Object.keys(meta.inputs));
  return await fingerprint(project, entries, inputs, modules);
}

async function runEsbuild(
  project: Project,
  entryPoints: string[],
  environment: "isolate" | "node",
  out: string,
): Promise<Metafile> {
  const isNode = environment === "node";
  try {
    const result = await build({
      entryPoints: isNode ? entryPoints : isolateEntries(project, entryPoints),
      absWorkingDir: project.root,
      bundle: true,
      platform: isNode ? "node" : "browser",
      format: "esm",
      target: "esnext",
      jsx: "automatic",
      outdir: path.join(out, environment),
      outbase: project.functions,
      outExtension: { ".js": ".mjs" },
      conditions: ["convex", "module"],
      plugins: isNode
        ? [serverOnly, externals(project), wasm]
        : [modulesEntry(namedModules(project, entryPoints)), asyncHooks, serverOnly, wasm],
      // Maps beside the files, not named in them: they are read when a stack has to be shown.
      sourcemap: "external",
      sourcesContent: false,
      splitting: true,
      chunkNames: path.join("_deps", "[hash]"),
      treeShaking: true,
      minifySyntax: true,
      // The CLI shortens names and keeps the old ones for show; unshortened they mostly are those.
      keepNames: true,
      inject: isNode ? [] : [INJECT],
      define: { "process.env.NODE_ENV": '"production"' },
      metafile: true,
      write: false,
      logLevel: "silent",
    });
    for (const { path: file, contents, text } of result.outputFiles) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, file.endsWith(".mjs") ? withCheapNames(text) : contents);
    }
    return result.metafile;
  } catch (error) {
    throw isBuildFailure(error) ? new Problem(buildProblem(project, error)) : error;
  }
}

function modulePath(project: Project, file: string): string {
  const name = path.relative(project.functions, file).replace(/\.[^/.]+$/, "");
  return name.split(path.sep).join("/");
}

/** By their paths; `auth.config` is not among them: it is evaluated anew when a variable changes. */
function namedModules(project: Project, files: string[]): Map<string, string> {
  const named = new Map(files.map((file) => [modulePath(project, file), file]));
  named.delete(AUTH_CONFIG);
  return named;
}

function isolateEntries(project: Project, files: string[]): { in: string; out: string }[] {
  const authConfig = files.filter((file) => modulePath(project, file) === AUTH_CONFIG);
  return [MODULES_ENTRY, ...authConfig].map((file) => ({
    in: file,
    out: file === MODULES_ENTRY ? MODULES_ENTRY : AUTH_CONFIG,
  }));
}

async function bundleThread(project: Project, out: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [NODE_THREAD],
    absWorkingDir: project.root,
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: path.join(out, NODE_THREAD_FILE),
    metafile: true,
    logLevel: "silent",
  });
  return metafile;
}

/**
 * esbuild's way to keep names defines a property on every closure whenever it is made, also where
 * the name is right already; in the closures that each call makes, that is a tenth of its time.
 */
function withCheapNames(code: string): string {
  return (
    code
      .replace(
        /(__name = \(target, value\) => )(__defProp\(target, "name", \{ value, configurable: \S+ \}\))/,
        "$1target.name === value ? target : $2",
      )
      // A declaration that kept its name; the line stays, for the source map.
      .replace(/^(\s*)__name\((\w+), "\2"\);$/gm, "$1")
  );
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

/** One line, as `file:line:column: message`; the first error is the one to mend first. */
function buildProblem(project: Project, failure: BuildFailure): string {
  const error = failure.errors[0];
  if (error === undefined) return `the functions folder ${project.functions} does not build`;
  const { location } = error;
  const file = location && path.relative(process.cwd(), path.resolve(project.root, location.file));
  const where = location ? `${file}:${location.line}:${location.column + 1}: ` : "";
  const wantsNode = error.notes.some((note) => note.text.includes("bundle for node"));
  const hint = wantsNode
    ? ' (Node\'s own modules need "use node" at the top of a file that has only actions; see https://docs.convex.dev/functions/runtimes#nodejs-runtime)'
    : "";
  const more = failure.errors.length > 1 ? ` (and ${failure.errors.length - 1} more)` : "";
  return `${where}${error.text}${hint}${more}`;
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

/** `convex.json`'s external packages are left to Node; everything else is bundled. */
function externals(project: Project): Plugin {
  const all = project.externalPackages.includes("*");
  return {
    name: "external-packages",
    setup(setup) {
      setup.onResolve({ filter: /^[^./]/, namespace: "file" }, (args) => {
        const [first = "", second = ""] = args.path.split("/");
        const name = first.startsWith("@") ? `${first}/${second}` : first;
        const listed = all
          ? project.dependencies.has(name)
          : project.externalPackages.includes(name);
        if (!listed || name === "convex") return null;
        if (!existsSync(path.join(project.root, "node_modules", name))) return null;
        return { path: args.path, external: true };
      });
    },
  };
}

const serverOnly: Plugin = {
  name: "server-only",
  setup(setup) {
    setup.onResolve({ filter: /^server-only$/ }, () => ({
      path: "server-only",
      namespace: "empty",
    }));
    setup.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "", loader: "js" }));
  },
};

/** The one Node module that the default runtime has. */
const asyncHooks: Plugin = {
  name: "async-hooks",
  setup(setup) {
    setup.onResolve({ filter: /^(node:)?async_hooks$/ }, () => ({
      path: "async_hooks",
      namespace: "async-hooks",
    }));
    setup.onLoad({ filter: /.*/, namespace: "async-hooks" }, () => ({
      contents:
        "export const AsyncLocalStorage = globalThis.AsyncLocalStorage;" +
        "export const AsyncResource = globalThis.AsyncResource;" +
        "export default { AsyncLocalStorage, AsyncResource };",
      loader: "js",
    }));
  },
};

/** `import wasm from "./x.wasm"` gives a compiled module. */
const wasm: Plugin = {
  name: "wasm",
  setup(setup) {
    setup.onResolve({ filter: /\.wasm$/ }, (args) =>
      args.namespace === "wasm"
        ? { path: args.path, namespace: "wasm-bytes" }
        : { path: path.resolve(args.resolveDir, args.path), namespace: "wasm" },
    );
    setup.onLoad({ filter: /.*/, namespace: "wasm" }, (args) => ({
      contents: `import bytes from ${JSON.stringify(args.path)}; export default new WebAssembly.Module(bytes);`,
    }));
    setup.onLoad({ filter: /.*/, namespace: "wasm-bytes" }, async (args) => {
      const { readFile } = await import("node:fs/promises");
      return { contents: await readFile(args.path), loader: "binary" };
    });
  },
};
