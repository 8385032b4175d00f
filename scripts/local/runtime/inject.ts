/**
 * Bundled into every module of the default runtime: these names are that runtime's, not Node's.
 * What Convex's runtime lacks is undefined here too, so that a function that leans on it fails
 * before it is deployed.
 */
import type { FunctionGlobals } from "./globals";

const host = (globalThis as unknown as Record<symbol, FunctionGlobals>)[
  Symbol.for("freehold.functionGlobals")
] as FunctionGlobals;

export const Date = host.Date;
export const Math = host.Math;
export const console = host.console;
export const process = host.process;
export const fetch = host.fetch;
export const Request = host.Request;
export const Response = host.Response;
export const setTimeout = host.setTimeout;
export const setInterval = host.setInterval;
export const performance = host.performance;
export const Buffer = undefined;
export const setImmediate = undefined;
export const clearImmediate = undefined;
export const global = undefined;
