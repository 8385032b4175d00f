/** `npm run restore`: a backup becomes a data folder again. */
import path from "node:path";
import { runScript } from "./commandLine";
import { restore } from "./local/backup";

const HELP = `npm run restore -- --from <backup> [--data <folder>] [--force yes]

Checks every file of a backup against its manifest and puts it in the place of a data folder, in one
step. Stop the server of that folder first.

  --from <backup>   what npm run backup made
  --data <folder>   the data folder                    FREEHOLD_DATA   .freehold
  --force yes       a folder that is not empty is put aside, under the name <folder>.before-<time>`;

await runScript(HELP, ["from", "data", "force"], async ({ from, data, force }) => {
  if (from === undefined) throw new Error("--from is missing");
  const target = data ?? process.env["FREEHOLD_DATA"] ?? ".freehold";
  const { files, bytes } = await restore(path.resolve(from), path.resolve(target), force === "yes");
  console.log(`Restored ${files} files, ${(bytes / 2 ** 20).toFixed(1)} MiB: ${target}`);
});
