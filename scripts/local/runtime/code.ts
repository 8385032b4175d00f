/** One version of the functions folder: bundled, loaded, with the processes of its Node actions. */
import type { Provider } from "../identity/providers";
import { loadProviders } from "./authConfig";
import { type Bundle, bundleFunctions } from "./bundle";
import type { Build } from "./esbuild";
import type { Environment } from "./globals";
import { type Functions, loadFunctions } from "./modules";
import { NodePool } from "./node/nodePool";

export type Code = {
  bundle: Bundle;
  functions: Functions;
  /** Of `auth.config`. */
  providers: Provider[];
  pool: NodePool;
};

/**
 * The folder's code as it is now; `again.current` where nothing has changed since.
 * @param into where bundles are kept
 * @throws Problem that names the file and line of what does not build or load
 */
export async function loadCode(
  functions: string,
  into: string,
  environment: Environment,
  again?: { current: Code; build: Build },
): Promise<Code> {
  const bundle = await bundleFunctions(functions, into, again?.build);
  const current = again?.current;
  if (current !== undefined && bundle.folder === current.bundle.folder) return current;
  const pool = new NodePool(bundle, environment);
  try {
    const functions = await loadFunctions(bundle, pool, current?.bundle);
    return { bundle, functions, providers: await loadProviders(bundle, environment), pool };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
