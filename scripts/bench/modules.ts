/**
 * What a call costs on Convex before it runs: each loads its module and all that it imports afresh.
 * Every module is bundled as the Convex CLI does it, and evaluated in an isolate of its own, so that
 * nothing is compiled already.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import * as esbuild from "esbuild";
import { findEntries } from "../local/runtime/entries";
import { progress, type Row, step, table } from "./report";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FUNCTIONS = path.join(ROOT, "convex");
const LOADER = new URL("./moduleLoad.js", import.meta.url);
/** The least of so many counts: what else the machine does can only add to it. */
const REPEATS = 5;
const SHOWN = 8;
/** Every request comes through it; it has no function of its own. */
const DOOR = "http";

type Measures = { milliseconds: number; heapBytes: number; sourceBytes: number };
type Load = Measures & { registers: boolean };
type Sources = Record<string, string>;
type Bundled = Record<string, { source: string; imports: string[] }>;

export async function benchModules(): Promise<void> {
  step("modules: bundling");
  const bundled = await bundle();
  const loads: (Load & { name: string })[] = [];
  const names = entryNames();
  for (const [index, name] of names.entries()) {
    progress(`modules: ${index + 1} of ${names.length}`);
    loads.push({ name, ...(await measure(`${name}.js`, bundled)) });
  }
  step(`modules: ${names.length} loaded ${REPEATS} times each`);
  const functions = loads.filter(({ registers }) => registers);
  const dearest = [...functions].sort((a, b) => b.milliseconds - a.milliseconds);
  const rows = [
    ...loads.filter(({ name }) => name === DOOR).map((load) => rowOf(load.name, load)),
    rowOf(`median of ${functions.length} with functions`, shareOf(functions, 0.5)),
    rowOf("90th percentile of them", shareOf(functions, 0.9)),
    ...dearest.slice(0, SHOWN).map((load) => rowOf(load.name, load)),
  ];
  table("What a call loads on Convex, each module in a fresh isolate", rows);
}

/** Of each measure the value that so many of the modules stay below or have. */
function shareOf(loads: readonly Load[], share: number): Measures {
  const of = (measure: keyof Measures): number => {
    const sorted = loads.map((load) => load[measure]).sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  };
  return {
    milliseconds: of("milliseconds"),
    heapBytes: of("heapBytes"),
    sourceBytes: of("sourceBytes"),
  };
}

function rowOf(name: string, load: Measures): Row {
  return {
    module: name,
    "processor ms": load.milliseconds,
    "heap MiB": load.heapBytes / 1024 ** 2,
    "source KiB": Math.round(load.sourceBytes / 1024),
  };
}

/** The names of the modules of Convex's own runtime; Node's are kept warm. */
function entryNames(): string[] {
  return findEntries(FUNCTIONS).isolate.map((file) =>
    path
      .relative(FUNCTIONS, file)
      .replace(/\.[^/.]+$/, "")
      .replaceAll(path.sep, "/"),
  );
}

/** As convex/src/bundler/debugBundle.ts has it. */
async function bundle(): Promise<Bundled> {
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: findEntries(FUNCTIONS).isolate,
    absWorkingDir: ROOT,
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "esnext",
    jsx: "automatic",
    outdir: "out",
    outbase: FUNCTIONS,
    conditions: ["convex", "module"],
    plugins: [asyncHooks],
    write: false,
    metafile: true,
    splitting: true,
    chunkNames: "_deps/[hash]",
    treeShaking: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    keepNames: true,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  const out = path.join(ROOT, "out");
  return Object.fromEntries(
    outputFiles.map(({ path: file, text }) => {
      const name = path.relative(out, file).replaceAll(path.sep, "/");
      const imports = metafile.outputs[`out/${name}`]?.imports ?? [];
      return [
        name,
        { source: text, imports: imports.map((each) => path.posix.relative("out", each.path)) },
      ];
    }),
  );
}

const asyncHooks: esbuild.Plugin = {
  name: "async-hooks",
  setup(build) {
    build.onResolve({ filter: /^(node:)?async_hooks$/ }, ({ path: name }) => ({
      path: name,
      namespace: "async-hooks",
    }));
    build.onLoad({ filter: /.*/, namespace: "async-hooks" }, () => ({
      contents: "export const { AsyncLocalStorage, AsyncResource } = globalThis;",
    }));
  },
};

async function measure(entry: string, bundled: Bundled): Promise<Load> {
  const needed = closureOf(entry, bundled);
  const loads = [await loadOnce(entry, needed)];
  const repeats = loads[0]?.registers || entry === `${DOOR}.js` ? REPEATS : 1;
  while (loads.length < repeats) loads.push(await loadOnce(entry, needed));
  return loads.reduce((least, load) => (load.milliseconds < least.milliseconds ? load : least));
}

/** The entry and all that it imports, however far. */
function closureOf(entry: string, bundled: Bundled): Sources {
  const needed: Sources = {};
  const add = (name: string): void => {
    const module = bundled[name];
    if (!module || name in needed) return;
    needed[name] = module.source;
    module.imports.forEach(add);
  };
  add(entry);
  return needed;
}

function loadOnce(entry: string, sources: Sources): Promise<Load> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(LOADER, {
      workerData: { entry, sources },
      execArgv: ["--experimental-vm-modules", "--no-warnings"],
    });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
