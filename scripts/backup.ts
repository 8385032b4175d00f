/** `npm run backup`: a consistent copy of a data folder, also while its server runs. */
import path from "node:path";
import { runScript } from "./commandLine";
import { backUp } from "./local/backup";

const HELP = `npm run backup -- --to <folder> [--data <folder>]

Copies a data folder (database, files, keys, environment variables) as it was at one moment, while the
server runs or not. The folder must not exist; it appears when it is whole. It holds the keys of stored
secrets: keep it where only you can read it.

  --to <folder>     where the backup goes
  --data <folder>   the data folder                    FREEHOLD_DATA   .freehold`;

await runScript(HELP, ["to", "data"], async ({ to, data }) => {
  if (to === undefined) throw new Error("--to is missing");
  const since = performance.now();
  const source = data ?? process.env["FREEHOLD_DATA"] ?? ".freehold";
  const { files, bytes } = await backUp(path.resolve(source), path.resolve(to));
  const seconds = ((performance.now() - since) / 1_000).toFixed(1);
  console.log(
    `Backed up ${files} files, ${(bytes / 2 ** 20).toFixed(1)} MiB, in ${seconds} s: ${to}`,
  );
});
