/** `npm run client -- <folder> [--server <url>]`: a typed TypeScript client of all endpoints. */
import path from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "@hey-api/openapi-ts";
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

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { server: { type: "string" } },
    allowPositionals: true,
  });
  const [folder] = positionals;
  if (folder === undefined) {
    console.error("Name the folder that the client is for: npm run client -- <folder>");
    process.exitCode = 2;
    return;
  }
  await generateClient(folder, values.server);
  console.log(`The client is in ${path.resolve(folder)}: import { contactsList } from it.`);
}

if (process.argv[1] === import.meta.filename) await main();
