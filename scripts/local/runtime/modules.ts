/**
 * Loads the bundled modules and knows every function by its name (`folder/file:export`), with
 * its kind, its visibility and its exported validators.
 */
import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { JSONValue } from "convex/values";
import { messageOf, Problem } from "../problem";
import type { Bundle, BundledModule } from "./bundle";
import { FunctionFailure, Refusal } from "./errors";
import { AUTH_CONFIG } from "./entries";
import { canonicalName, displayName } from "./names";
import type { NodePool } from "./node/nodePool";
import { withOpenFile } from "./openFiles";
import {
  type FunctionDescription,
  type FunctionKind,
  functionsIn,
  type Invoke,
} from "./registered";
import { firstSourceLine } from "./stacks";
import { systemFunction } from "../system";

export type { FunctionKind } from "./registered";
export type FunctionEntry = Omit<FunctionDescription, "kind"> & {
  kind: FunctionKind | "httpAction";
  invoke: Invoke;
  /** Where it runs, if not in the main thread. */
  environment?: "node";
};
/** What the deployment needs of `convex/http.ts`'s default export. */
export type Router = {
  getRoutes(): (readonly [path: string, method: string, action: HttpAction])[];
  lookup(path: string, method: string): readonly [HttpAction, string, string] | null;
};
export type HttpAction = { invokeHttpAction(request: Request): Promise<Response> };

export type Functions = {
  find(name: string): FunctionEntry | undefined;
  /** Every function of the app, in no particular order. */
  all(): Iterable<FunctionEntry>;
  hasModule(path: string): boolean;
  router: Router | null;
  /** The exported schema, or null where the folder has none. */
  schema: JSONValue | null;
  /** The exported crons by identifier. */
  crons: Record<string, CronJson>;
};
export type CronJson = { name: string; args: JSONValue[]; schedule: CronScheduleJson };
export type CronScheduleJson =
  | { type: "interval"; seconds?: number; minutes?: number; hours?: number }
  | { type: "hourly"; minuteUTC?: number }
  | { type: "daily"; hourUTC: number; minuteUTC?: number }
  | { type: "weekly"; dayOfWeek: string; hourUTC: number; minuteUTC?: number }
  | { type: "monthly"; day: number; hourUTC: number; minuteUTC?: number }
  | { type: "cron"; cron: string };

/**
 * Modules of the default runtime are loaded into this thread, `"use node"` modules into the processes of `pool`.
 * @param previous a bundle that has been loaded; what is the same in it is not looked into again
 */
export async function loadFunctions(
  bundle: Bundle,
  pool: NodePool,
  previous?: Bundle,
): Promise<Functions> {
  const functions = new Map<string, FunctionEntry>();
  let router: Router | null = null;
  let schema: JSONValue | null = null;
  let crons: Record<string, CronJson> = {};
  for (const module of bundle.modules) {
    if (module.environment === "node" || module.path === AUTH_CONFIG) continue;
    const exports = (await load(module, bundle))[module.path] ?? {};
    if (module.path === "http") {
      router = routerOf(exports["default"]);
    } else if (module.path === "schema") {
      schema = exported(exports["default"], "schema", "a schema: defineSchema(…)") as JSONValue;
    } else if (module.path === "crons") {
      crons = exported(exports["default"], "crons", "cron jobs: cronJobs()") as typeof crons;
    }
    for (const { description, invoke } of functionsIn(module.path, exports)) {
      functions.set(description.name, { ...description, invoke });
    }
  }
  for (const [module, description] of await nodeFunctions(bundle, pool, previous)) {
    const { name } = description;
    const invoke: Invoke = (argsText) => pool.run(module, name, argsText);
    functions.set(name, { ...description, invoke, environment: "node" });
  }
  const paths = new Set(bundle.modules.map((module) => module.path));
  return {
    find: (name) => functions.get(canonicalName(name)),
    all: () => functions.values(),
    hasModule: (modulePath) => paths.has(modulePath),
    router,
    schema,
    crons,
  };
}

/** By the module's path. */
type ModuleExports = Record<string, Record<string, unknown>>;

/** All modules of the default runtime lie in one file, which Node loads once. */
async function load(module: BundledModule, bundle: Bundle): Promise<ModuleExports> {
  try {
    const { default: all } = (await import(pathToFileURL(module.file).href)) as {
      default: ModuleExports;
    };
    return all;
  } catch (error) {
    throw loadProblem(error, module, bundle);
  }
}

function loadProblem(error: unknown, module: BundledModule, bundle: Bundle): Problem {
  if (error instanceof Problem) return error;
  const where = firstSourceLine(error, bundle) ?? whereIs(module, bundle);
  const [why = ""] = messageOf(error).split("\n", 1);
  return new Problem(`${where}: failed to load: ${why}`);
}

/** Modules of the default runtime are loaded as one, and any of them may have failed. */
function whereIs({ path: name, environment }: BundledModule, { project }: Bundle): string {
  return environment === "node" ? name : path.relative(project.root, project.functions);
}

type Descriptions = { hash: string; modules: Record<string, FunctionDescription[]> };
const DESCRIPTIONS = "node-functions.json";

/**
 * To look into the modules takes a process and all their packages, so it is done once, and again only
 * when one of them has changed.
 */
async function nodeFunctions(
  bundle: Bundle,
  pool: NodePool,
  previous?: Bundle,
): Promise<[BundledModule, FunctionDescription][]> {
  const modules = bundle.modules.filter(({ environment }) => environment === "node");
  if (modules.length === 0) return [];
  const hash = await hashOf(modules);
  const known = await knownDescriptions(hash, bundle, previous);
  const descriptions = known?.modules ?? {};
  if (known === null) {
    for (const module of modules) {
      descriptions[module.path] = await pool.describe(module).catch((error: unknown) => {
        throw loadProblem(error instanceof FunctionFailure ? error.thrown : error, module, bundle);
      });
    }
  }
  await keepDescriptions({ hash, modules: descriptions }, bundle);
  return modules.flatMap((module) =>
    (descriptions[module.path] ?? []).map((description): [BundledModule, FunctionDescription] => {
      const { name, kind } = description;
      if (kind === "action") return [module, description];
      throw new Problem(
        `${displayName(name)} is a ${kind} in a "use node" file; only actions can be defined in Node.js. See https://docs.convex.dev/functions/actions for more details.`,
      );
    }),
  );
}

/** What modules share lies in files that are named by their contents, so the modules tell all. */
async function hashOf(modules: readonly BundledModule[]): Promise<string> {
  const hash = createHash("sha256");
  const files = await Promise.all(modules.map(({ file }) => withOpenFile(() => readFile(file))));
  modules.forEach((module, i) => hash.update(`${module.path}\0`).update(files[i] ?? ""));
  return hash.digest("hex");
}

async function knownDescriptions(
  hash: string,
  ...bundles: (Bundle | undefined)[]
): Promise<Descriptions | null> {
  for (const bundle of bundles) {
    if (bundle === undefined) continue;
    const file = path.join(bundle.folder, DESCRIPTIONS);
    const text = await readFile(file, "utf8").catch(() => null);
    const found = text === null ? null : (JSON.parse(text) as Descriptions);
    if (found?.hash === hash) return found;
  }
  return null;
}

async function keepDescriptions(descriptions: Descriptions, { folder }: Bundle): Promise<void> {
  const file = path.join(folder, DESCRIPTIONS);
  await writeFile(`${file}.tmp`, JSON.stringify(descriptions));
  await rename(`${file}.tmp`, file);
}

function routerOf(value: unknown): Router {
  const router = value as (Router & { isRouter?: boolean }) | undefined;
  if (router?.isRouter !== true || typeof router.lookup !== "function") {
    throw new Problem("http: the default export must be the router that httpRouter() makes");
  }
  return router;
}

function exported(value: unknown, module: string, what: string): unknown {
  const source = value as { export?: () => string } | undefined;
  if (typeof source?.export !== "function") {
    throw new Problem(`${module}: the default export must be ${what}`);
  }
  return JSON.parse(source.export());
}

/**
 * Which functions a caller may name: a client the public ones, the app and the scheduler all of the
 * app's, who holds the admin key also the deployment's own (`../system`).
 */
export type Visibility = "public" | "all" | "admin";

/** The function of that name, whatever its kind, or the refusal that Convex gives. */
export function findFunction(
  functions: Functions,
  name: string,
  visibility: Visibility,
): FunctionEntry {
  const entry = (visibility === "admin" ? systemFunction(name) : undefined) ?? functions.find(name);
  if (entry === undefined || (visibility === "public" && !entry.isPublic)) {
    // One message for both, so that it does not tell which internal functions there are.
    const sought = visibility === "admin" ? "function" : "public function";
    throw new Refusal(`Could not find ${sought} for '${displayName(name)}'.`, {
      forClients: true,
    });
  }
  return entry;
}

/** The function of that name and kind, or the refusal that Convex gives. */
export function resolveFunction(
  functions: Functions,
  name: string,
  kind: FunctionKind,
  visibility: Visibility,
): FunctionEntry {
  const entry = findFunction(functions, name, visibility);
  if (entry.kind !== kind) {
    throw new Refusal(
      `Trying to execute ${displayName(name)} as ${TITLES[kind]}, but it is defined as ${TITLES[entry.kind]}.`,
      { forClients: true },
    );
  }
  return entry;
}

const TITLES = { query: "Query", mutation: "Mutation", action: "Action", httpAction: "HttpAction" };
