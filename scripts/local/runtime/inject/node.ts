/** Bundled into every `"use node"` module: Node's own globals, but for what the host must see. */
import type { FunctionGlobals } from "../globals";

const host = (globalThis as unknown as Record<symbol, FunctionGlobals>)[
  Symbol.for("freehold.functionGlobals")
] as FunctionGlobals;

export const console = host.console;
export const fetch = host.fetch;
export const Request = host.Request;
export const Response = host.Response;
export const __functionEnvironment = host.process.env;
