/**
 * The globals that functions of the default runtime see (`inject.ts` bundles them in): a query or
 * mutation gets a clock that stands still and no way to the world outside its transaction; an
 * action gets the real ones. The environment is the deployment's, not the machine's.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { calls } from "./call";
import { consoleThat } from "./console";
import { Refusal } from "./errors";
import { FunctionResponse } from "./functionResponse";
import { logFromFunction } from "./log";
import { realRequest, withoutBody } from "../server/webRequest";

const RealDate = Date;

function refuseInTransaction(description: string): void {
  if (calls.getStore()?.isTransaction === true) {
    throw new Refusal(
      `Can't use ${description} in queries and mutations. Please consider using an action. ` +
        "See https://docs.convex.dev/functions/actions for more details.",
    );
  }
}

function now(): number {
  const call = calls.getStore();
  return call?.isTransaction === true ? call.startedAt : RealDate.now();
}

/** Shares its prototype with the real one, so that `instanceof` holds for dates from either. */
function FunctionDate(...args: unknown[]): Date | string {
  if (new.target === undefined) return new RealDate(now()).toString();
  return Reflect.construct(RealDate, args.length === 0 ? [now()] : args, new.target) as Date;
}
FunctionDate.prototype = RealDate.prototype;
Object.defineProperty(FunctionDate, "name", { value: "Date" });
FunctionDate.now = now;
FunctionDate.parse = RealDate.parse;
FunctionDate.UTC = RealDate.UTC;

const functionMath: Math = Object.create(Math, {
  random: {
    value: (): number => {
      const call = calls.getStore();
      return call?.isTransaction === true ? call.random() : Math.random();
    },
  },
}) as Math;

const functionPerformance = {
  now: (): number => {
    const call = calls.getStore();
    // The clock of a transaction stands still: 0 since its start.
    return call?.isTransaction === true ? 0 : performance.now();
  },
  get timeOrigin(): number {
    return performance.timeOrigin;
  },
};

const functionFetch: typeof fetch = async (...args) => {
  refuseInTransaction("fetch()");
  const [input, init] = args;
  return await fetch(realRequest(input), init);
};

/** The request of an HTTP action is not made by Node's class, which looks inside what it copies. */
class FunctionRequest extends Request {
  constructor(input: RequestInfo | URL, init?: RequestInit) {
    const own = init?.body == null ? null : withoutBody(input);
    if (own === null) super(realRequest(input), init);
    else super(own.url, { ...own.init, ...init });
  }
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Request;
  }
}
Object.defineProperty(FunctionRequest, "name", { value: "Request" });

function timer<F extends typeof setTimeout | typeof setInterval>(name: string, real: F): F {
  return ((...args: Parameters<F>) => {
    refuseInTransaction(name);
    return (real as (...args: Parameters<F>) => unknown)(...args);
  }) as unknown as F;
}

const functionConsole = consoleThat((level, args) => {
  logFromFunction(level, args, calls.getStore());
});

export type Environment = Readonly<Record<string, string>>;

let loadedEnvironment: () => Environment = () => ({});

/** Read-only: what a function wrote into it would last for as long as the process, or not at all. */
const environment = new Proxy(
  {},
  {
    get: (_target, name) => (typeof name === "string" ? variable(name) : undefined),
    has: (_target, name) => typeof name === "string" && name in current(),
    ownKeys: () => Object.keys(current()),
    getOwnPropertyDescriptor: (_target, name) => {
      const value = typeof name === "string" ? current()[name] : undefined;
      return value === undefined ? undefined : { value, enumerable: true, configurable: true };
    },
    set: () => {
      throw new Refusal("Environment variables cannot be set by functions");
    },
  },
);

/** Of the configuration that is being evaluated. */
const configured = new AsyncLocalStorage<Environment>();

/**
 * What `load` evaluates sees these variables, which need not be those of the deployment yet; reading
 * one that is not set is an error, as on Convex.
 */
export async function underEnvironment<T>(
  environment: Environment,
  load: () => Promise<T>,
): Promise<T> {
  evaluating++;
  try {
    return await configured.run(environment, load);
  } finally {
    evaluating--;
    // As long as it is on, every promise of the process carries it along.
    if (evaluating === 0) configured.disable();
  }
}

let evaluating = 0;

function variable(name: string): string | undefined {
  const value = current()[name];
  if (value === undefined && configured.getStore() !== undefined) {
    throw new Error(
      `Environment variable ${name} is used in auth config file but its value was not set`,
    );
  }
  return value;
}

function current(): Environment {
  return configured.getStore() ?? calls.getStore()?.host.environment ?? loadedEnvironment();
}

const functionGlobals = {
  Date: FunctionDate,
  Math: functionMath,
  console: functionConsole,
  process: { env: environment },
  fetch: functionFetch,
  Request: FunctionRequest,
  Response: FunctionResponse,
  setTimeout: timer("setTimeout", setTimeout),
  setInterval: timer("setInterval", setInterval),
  performance: functionPerformance,
};
export type FunctionGlobals = typeof functionGlobals;

/**
 * Puts the globals where bundled modules look for them. `forModules` is what a module reads of
 * `process.env` while it is loaded, outside any call.
 */
export function installGlobals(forModules: () => Environment): void {
  loadedEnvironment = forModules;
  Object.assign(globalThis, {
    AsyncLocalStorage,
    AsyncResource,
    self: globalThis,
    [Symbol.for("freehold.functionGlobals")]: functionGlobals,
  });
}
