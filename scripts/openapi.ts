/** `npm run openapi -- [file] [--server <url>]`: writes the OpenAPI document of all endpoints. */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { endpoints } from "../convex/http";
import { openApiDocument } from "../convex/kit/openapi";

export const LOCAL_SERVER = "http://127.0.0.1:3211/api/v1";

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

/** The document as the deployment itself serves it, for this base URL. */
export function currentDocument(server = LOCAL_SERVER): OpenApiDocument {
  return { ...openApiDocument(endpoints), servers: [{ url: server }] };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { server: { type: "string" } },
    allowPositionals: true,
  });
  const [file = "openapi.json"] = positionals;
  const document = currentDocument(values.server);
  await writeFile(file, `${JSON.stringify(document, null, 2)}\n`);
  console.log(`${Object.keys(document.paths as object).length} paths written to ${file}`);
}

if (process.argv[1] === import.meta.filename) await main();
