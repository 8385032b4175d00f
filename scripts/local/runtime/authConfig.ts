/** Evaluates `convex/auth.config.ts`: at the start, and again before a variable changes. */
import { pathToFileURL } from "node:url";
import { readProviders, type Provider } from "../identity/providers";
import { messageOf, Problem } from "../problem";
import type { Bundle } from "./bundle";
import { AUTH_CONFIG } from "./entries";
import { type Environment, underEnvironment } from "./globals";

let evaluations = 0;

/** The identity providers under these variables; none where the folder has no such file. @throws Problem */
export async function loadProviders(bundle: Bundle, environment: Environment): Promise<Provider[]> {
  const module = bundle.modules.find(({ path }) => path === AUTH_CONFIG);
  if (module === undefined) return [];
  // Node keeps a module under its URL: another URL evaluates it anew.
  const url = `${pathToFileURL(module.file).href}?evaluation=${++evaluations}`;
  try {
    const exports = await underEnvironment(
      environment,
      async () => (await import(url)) as { default?: unknown },
    );
    return readProviders(exports.default);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`${AUTH_CONFIG}: ${messageOf(error)}`);
  }
}
