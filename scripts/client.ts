/** `npm run client -- <folder> [--server <url>]`: a typed TypeScript client of all endpoints. */
import path from "node:path";
import { createClient } from "@hey-api/openapi-ts";
import { runScript } from "./commandLine";
import { currentDocument } from "./openapi";

/** Writes the client into the folder, which is emptied first; it depends on nothing but `fetch`. */
export async function generateClient(folder: string, server?: string): Promise<void> {
  await createClient({
    input: currentDocument(server),
    output: { path: path.resolve(folder), clean: true },
    plugins: ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript"],
    logs: { level: "warn" },
  });
}

const HELP = `Usage: npm run client -- <folder> [--server <url>]

Generates a typed TypeScript client of every endpoint into the folder, which is emptied first.
It depends on nothing but fetch. --server is its base URL, http://127.0.0.1:3211/api/v1 by default.`;

if (process.argv[1] === import.meta.filename) {
  await runScript(HELP, ["server"], async ({ server }, [folder]) => {
    if (folder === undefined) throw new Error("Name the folder that the client is for.");
    await generateClient(folder, server);
    console.log(`The client is in ${path.resolve(folder)}: import { contactsList } from it.`);
  });
}
