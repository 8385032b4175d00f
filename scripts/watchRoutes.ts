/**
 * Under `--watch`: the door's route table follows the definitions of the endpoints as they are saved.
 * The watch of the functions folder takes it from there.
 */
import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { messageOf } from "./local/problem";
import { log } from "./local/runtime/log";
import { FolderWatch } from "./local/watch";

const SCRIPT = fileURLToPath(new URL("./routes.ts", import.meta.url));
const FUNCTIONS = fileURLToPath(new URL("../convex", import.meta.url));

const run = promisify(execFile);

/** Nothing is watched where the functions are not those that this table is made of. */
export async function watchRoutes(functions: string): Promise<void> {
  if (path.resolve(functions) !== FUNCTIONS) return;
  let writing: Promise<void> | null = null;
  let isAwaited = false;
  await FolderWatch.open(path.join(FUNCTIONS, "api"), () => {
    isAwaited = true;
    writing ??= (async () => {
      while (isAwaited) {
        isAwaited = false;
        await writeRoutes();
      }
      writing = null;
    })();
  });
}

async function writeRoutes(): Promise<void> {
  try {
    await run(process.execPath, ["--import", "tsx", SCRIPT], { cwd: path.dirname(FUNCTIONS) });
  } catch (error) {
    log("error", `The route table is not written, npm run routes says why: ${messageOf(error)}`);
  }
}
