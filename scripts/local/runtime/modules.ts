/**
 * Loads the bundled modules and knows every function by its name (`folder/file:export`), with
 * its kind, its visibility and its exported validators.
 */
import { pathToFileURL } from "node:url";
import type { JSONValue } from "convex/values";
import { messageOf, Problem } from "../problem";
import type { Bundle, BundledModule } from "./bundle";
import { Refusal } from "./errors";
import { firstSourceLine } from "./stacks";

export type FunctionKind = "query" | "mutation" | "action";
export type FunctionEntry = {
  name: string;
  kind: FunctionKind | "httpAction";
  isPublic: boolean;
  environment: "isolate" | "node";
  /** Null where anything goes. */
  args: JSONValue | null;
  returns: JSONValue | null;
  invoke: (argsText: string) => Promise<string>;
};
/** What the deployment needs of `convex/http.ts`'s default export. */
export type Router = {
  lookup(path: string, method: string): readonly [HttpAction, string, string] | null;
};
export type HttpAction = { invokeHttpAction(request: Request): Promise<Response> };

export type Functions = {
  find(name: string): FunctionEntry | undefined;
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

/** The properties that the `convex` package puts on a registered function. */
type Registered = {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isInternal?: boolean;
  isHttp?: boolean;
  invokeQuery(args: string): Promise<string>;
  invokeMutation(args: string): Promise<string>;
  invokeAction(requestId: string, args: string): Promise<string>;
  exportArgs(): string;
  exportReturns(): string;
};

export async function loadFunctions(bundle: Bundle): Promise<Functions> {
  const functions = new Map<string, FunctionEntry>();
  const paths = new Set<string>();
  let router: Router | null = null;
  let schema: JSONValue | null = null;
  let crons: Record<string, CronJson> = {};
  for (const module of bundle.modules) {
    const exports = await load(module, bundle);
    paths.add(module.path);
    if (module.path === "http") {
      router = routerOf(exports["default"]);
    } else if (module.path === "schema") {
      schema = exported(exports["default"], "schema", "a schema: defineSchema(…)") as JSONValue;
    } else if (module.path === "crons") {
      crons = exported(exports["default"], "crons", "cron jobs: cronJobs()") as typeof crons;
    }
    for (const [key, value] of Object.entries(exports)) {
      const entry = entryOf(module, key, value);
      if (entry !== null) functions.set(entry.name, entry);
    }
  }
  return {
    find: (name) => functions.get(canonicalName(name)),
    hasModule: (path) => paths.has(path),
    router,
    schema,
    crons,
  };
}

/** `a/b.js:f`, `a/b:f` and `a/b` (the default export) are one name each. */
export function canonicalName(name: string): string {
  if (name.includes(":") && !name.includes(".js:")) return name;
  const [path = "", key = "default"] = name.split(":");
  return `${path.replace(/\.js$/, "")}:${key}`;
}

/** As messages show a name: the default export goes by its module. */
export function displayName(name: string): string {
  return canonicalName(name).replace(/:default$/, "");
}

async function load(module: BundledModule, bundle: Bundle): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(module.file).href)) as Record<string, unknown>;
  } catch (error) {
    const where = firstSourceLine(error, bundle) ?? module.path;
    throw new Problem(`${where}: failed to load: ${messageOf(error).split("\n", 1)[0]}`);
  }
}

function entryOf(module: BundledModule, key: string, value: unknown): FunctionEntry | null {
  if (typeof value !== "function") return null;
  const registered = value as unknown as Registered;
  const kind = kindOf(registered);
  if (kind === null) return null;
  const name = `${module.path}:${key}`;
  const { environment } = module;
  if (environment === "node" && kind !== "action") {
    throw new Problem(
      `${displayName(name)} is a ${kind} in a "use node" file; only actions can be defined in Node.js. See https://docs.convex.dev/functions/actions for more details.`,
    );
  }
  try {
    const args = JSON.parse(registered.exportArgs()) as { type: string };
    const returns = JSON.parse(registered.exportReturns()) as { type: string } | null;
    return {
      name,
      kind,
      isPublic: registered.isInternal !== true,
      environment,
      args: args.type === "any" ? null : args,
      returns: returns === null || returns.type === "any" ? null : returns,
      invoke: invokerOf(registered, kind),
    };
  } catch (error) {
    throw new Problem(`${displayName(name)}: ${messageOf(error)}`);
  }
}

function kindOf(registered: Registered): FunctionKind | null {
  if (registered.isQuery === true) return "query";
  if (registered.isMutation === true) return "mutation";
  return registered.isAction === true ? "action" : null;
}

function invokerOf(registered: Registered, kind: FunctionKind): (args: string) => Promise<string> {
  switch (kind) {
    case "query":
      return (args) => registered.invokeQuery(args);
    case "mutation":
      return (args) => registered.invokeMutation(args);
    case "action":
      // The request is known from the call that is running.
      return (args) => registered.invokeAction("", args);
  }
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

/** The function of that name and kind, or the refusal that Convex gives. */
export function resolveFunction(
  functions: Functions,
  name: string,
  kind: FunctionKind,
  visibility: "public" | "all",
): FunctionEntry {
  const entry = functions.find(name);
  if (entry === undefined || (visibility === "public" && !entry.isPublic)) {
    // One message for both, so that it does not tell which internal functions there are.
    throw new Refusal(`Could not find public function for '${displayName(name)}'.`, {
      forClients: true,
    });
  }
  if (entry.kind !== kind) {
    throw new Refusal(
      `Trying to execute ${displayName(name)} as ${TITLES[kind]}, but it is defined as ${TITLES[entry.kind]}.`,
      { forClients: true },
    );
  }
  return entry;
}

const TITLES = { query: "Query", mutation: "Mutation", action: "Action", httpAction: "HttpAction" };
