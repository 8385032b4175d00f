/**
 * One entry for all modules of the default runtime, so that they become one file: split into a file
 * for each, as the Convex CLI does, hundreds of them take several times as long to bundle and load.
 * Modules and what they share are evaluated once either way.
 */
import type { Plugin } from "esbuild";

export const MODULES_ENTRY = "all-modules";
const NAMESPACE = "modules";

/** `files` by the paths of their modules; the entry's default export has their exports by path. */
export function modulesEntry(files: ReadonlyMap<string, string>): Plugin {
  const paths = [...files.keys()];
  const imports = [...files.values()].map(
    (file, i) => `import * as m${i} from ${JSON.stringify(file)};`,
  );
  const exports = paths.map((path, i) => `${JSON.stringify(path)}: m${i},`);
  const contents = [...imports, "export default {", ...exports, "};"].join("\n");
  return {
    name: "modules-entry",
    setup(setup) {
      setup.onResolve({ filter: new RegExp(`^${MODULES_ENTRY}$`) }, ({ path }) => ({
        path,
        namespace: NAMESPACE,
      }));
      setup.onLoad({ filter: /.*/, namespace: NAMESPACE }, () => ({
        contents,
        loader: "js",
        resolveDir: "/",
      }));
    },
  };
}
