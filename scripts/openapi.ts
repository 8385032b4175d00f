/** `npm run openapi -- [file] [--server <url>]`: writes the OpenAPI document of all endpoints. */
import { writeFile } from "node:fs/promises";
import { endpoints, incomingWebhooks } from "../convex/api/endpoints";
import { openApiDocument } from "../convex/kit/openapi";
import { runScript } from "./commandLine";

export const LOCAL_SERVER = "http://127.0.0.1:3211/api/v1";

export type OpenApiDocument = ReturnType<typeof openApiDocument>;

/** The document as the deployment itself serves it, for this base URL. */
export function currentDocument(server = LOCAL_SERVER): OpenApiDocument {
  return { ...openApiDocument(endpoints, incomingWebhooks), servers: [{ url: server }] };
}

const HELP = `Usage: npm run openapi -- [file] [--server <url>]

Writes the OpenAPI 3.1 document of every endpoint, to openapi.json where no file is named.
--server is its base URL, ${LOCAL_SERVER} by default.`;

if (process.argv[1] === import.meta.filename) {
  await runScript(HELP, ["server"], async ({ server }, [file = "openapi.json"]) => {
    const document = currentDocument(server);
    await writeFile(file, `${JSON.stringify(document, null, 2)}\n`);
    console.log(`${Object.keys(document.paths as object).length} paths written to ${file}`);
  });
}
