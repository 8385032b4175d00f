/**
 * What esbuild is told, which is what the Convex CLI tells it: what builds and runs here builds and
 * runs there. Two builds, because a `"use node"` module may use what Node has and a module of the
 * default runtime may not.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  build,
  type BuildFailure,
  type BuildOptions,
  type BuildResult,
  type OutputFile,
  type Plugin,
} from "esbuild";
import { Problem } from "../problem";
import { AUTH_CONFIG } from "./entries";
import { MODULES_ENTRY, modulesEntry } from "./modulesEntry";
import type { Project } from "./project";

export const RUNTIMES = ["isolate", "node"] as const;
export type Runtime = (typeof RUNTIMES)[number];
/** Makes a build. Two with the same `name` that tell the same of themselves are one, made again. */
export type Build = (name: string, told: string, options: BuildOptions) => Promise<BuildResult>;
export const buildOnce: Build = (_name, _told, options) => build(options);

type Output = { path: string; contents: Uint8Array | string };
export type Built = { inputs: string[]; outputs: Output[] };

/** The globals that a function of the default runtime sees instead of Node's own. */
const INJECT = fileURLToPath(new URL("./inject.ts", import.meta.url));
/** The process that runs the `"use node"` modules, in the same folder as they. */
const NODE_PROCESS = fileURLToPath(new URL("./node/process.ts", import.meta.url));
const NODE_PROCESS_NAME = "node-process";
export const NODE_PROCESS_FILE = `${NODE_PROCESS_NAME}.mjs`;

/**
 * Bundles the files of one runtime, and for Node the process that runs them.
 * @throws Problem that names file and line of what does not build
 */
export async function buildRuntime(
  runtime: Runtime,
  project: Project,
  files: readonly string[],
  out: string,
  run: Build,
): Promise<Built> {
  const options = { ...COMMON, absWorkingDir: project.root, outdir: out };
  const told = JSON.stringify([out, project, [...project.dependencies], files]);
  const builds =
    runtime === "isolate"
      ? [run("isolate", told, { ...options, ...isolateOptions(project, files) })]
      : [
          run("node", told, { ...options, ...nodeOptions(project, files) }),
          run("process", told, { ...options, ...PROCESS }),
        ];
  // All have ended before one's failure is told: none may go on beside the next attempt.
  await Promise.allSettled(builds);
  try {
    const results = await Promise.all(builds);
    return {
      inputs: results.flatMap(({ metafile }) => Object.keys(metafile?.inputs ?? {})),
      outputs: results
        .flatMap(({ outputFiles = [] }) => outputFiles)
        .map((file) => outputOf(out, file)),
    };
  } catch (error) {
    throw isBuildFailure(error) ? new Problem(buildProblem(project, error)) : error;
  }
}

const COMMON = {
  bundle: true,
  format: "esm",
  outExtension: { ".js": ".mjs" },
  metafile: true,
  write: false,
  logLevel: "silent",
} satisfies BuildOptions;

const FUNCTIONS = {
  target: "esnext",
  jsx: "automatic",
  conditions: ["convex", "module"],
  // Maps beside the files, not named in them: they are read when a stack has to be shown.
  sourcemap: "external",
  sourcesContent: false,
  splitting: true,
  treeShaking: true,
  minifySyntax: true,
  // The CLI shortens names and has each function given its old one when it is made, dozens of times
  // a request. Unshortened they are those anyway, but for a digit behind one that two modules share.
  define: { "process.env.NODE_ENV": '"production"' },
} satisfies BuildOptions;

function isolateOptions(project: Project, files: readonly string[]): BuildOptions {
  return {
    ...FUNCTIONS,
    entryPoints: isolateEntries(project, files),
    platform: "browser",
    entryNames: "isolate/[name]",
    chunkNames: "isolate/_deps/[hash]",
    plugins: [modulesEntry(namedModules(project, files)), asyncHooks, serverOnly, wasm],
    inject: [INJECT],
  };
}

function nodeOptions(project: Project, files: readonly string[]): BuildOptions {
  return {
    ...FUNCTIONS,
    entryPoints: [...files],
    outbase: project.functions,
    platform: "node",
    entryNames: "node/[dir]/[name]",
    chunkNames: "node/_deps/[hash]",
    plugins: [serverOnly, externals(project), wasm],
  };
}

const PROCESS: BuildOptions = {
  entryPoints: [{ in: NODE_PROCESS, out: NODE_PROCESS_NAME }],
  platform: "node",
};

/** By its path in the bundle's folder. */
function outputOf(out: string, { path: file, contents, text }: OutputFile): Output {
  const isCode = file.endsWith(".mjs");
  return { path: path.relative(out, file), contents: isCode ? withCheapNames(text) : contents };
}

export function modulePath(project: Project, file: string): string {
  const name = path.relative(project.functions, file).replace(/\.[^/.]+$/, "");
  return name.split(path.sep).join("/");
}

/** By their paths; `auth.config` is not among them: it is evaluated anew when a variable changes. */
function namedModules(project: Project, files: readonly string[]): Map<string, string> {
  const named = new Map(files.map((file) => [modulePath(project, file), file]));
  named.delete(AUTH_CONFIG);
  return named;
}

function isolateEntries(project: Project, files: readonly string[]): { in: string; out: string }[] {
  const authConfig = files.filter((file) => modulePath(project, file) === AUTH_CONFIG);
  return [MODULES_ENTRY, ...authConfig].map((file) => ({
    in: file,
    out: file === MODULES_ENTRY ? MODULES_ENTRY : AUTH_CONFIG,
  }));
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
