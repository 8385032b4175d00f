/**
 * Which files of the functions folder become modules, and in which of the two runtimes each of
 * them runs: the rules of the Convex CLI, so that a folder means the same here and there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Problem } from "../problem";

export type Entries = { isolate: string[]; node: string[] };

const EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx"];
/** What is no function module and is evaluated all the same. */
const CONFIGS = new Set(["schema.ts", "schema.js", "auth.config.ts", "auth.config.js"]);
/** The module that says who vouches for callers. */
export const AUTH_CONFIG = "auth.config";
/** Modules that the deployment itself evaluates: they cannot be Node modules. */
const ISOLATE_ONLY = ["http", "crons", "schema", AUTH_CONFIG];
/** The directive must come before any code; comments may stand above it. */
const USE_NODE = /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/|(["'])use \w+\1;?)*?(["'])use node\2/;

export function findEntries(folder: string): Entries {
  const entries: Entries = { isolate: [], node: [] };
  for (const file of filesOf(folder)) {
    const relative = path.relative(folder, file);
    if (relative.startsWith(`_deps${path.sep}`)) {
      throw new Problem(`${file}: the folder "_deps" is reserved; move the file elsewhere`);
    }
    const isConfig = CONFIGS.has(relative);
    if (!isConfig && !isModule(relative)) continue;
    const source = readFileSync(file, "utf8");
    if (!isConfig && /\.tsx?$/.test(file) && !/^\s{0,100}(import|export)/m.test(source)) continue;
    if (!source.includes("use node") || !USE_NODE.test(source)) {
      entries.isolate.push(file);
      continue;
    }
    if (ISOLATE_ONLY.includes(relative.replace(/\.[^/.]+$/, ""))) {
      throw new Problem(`${file}: "use node" directive is not allowed for ${relative}`);
    }
    entries.node.push(file);
  }
  return entries;
}

function isModule(relative: string): boolean {
  const base = path.basename(relative);
  return (
    EXTENSIONS.includes(path.extname(relative)) &&
    !relative.startsWith(`_generated${path.sep}`) &&
    !base.startsWith(".") &&
    !base.startsWith("#") &&
    base !== "schema.ts" &&
    base !== "schema.js" &&
    // Declarations, tests and *.config files.
    base.indexOf(".") === base.lastIndexOf(".") &&
    !relative.includes(" ")
  );
}

/** Every file, in an order that does not depend on the file system; component folders are not ours. */
function* filesOf(folder: string): Generator<string> {
  const listing = readdirSync(folder, { withFileTypes: true });
  listing.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of listing) {
    const child = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!existsSync(path.join(child, "convex.config.ts"))) yield* filesOf(child);
    } else if (entry.isFile()) {
      yield child;
    }
  }
}
