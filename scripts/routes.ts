/** `npm run routes`: writes the route table of the door from the definitions of the endpoints. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { endpoints, incomingWebhooks } from "../convex/api/endpoints";
import type { EndpointRoute, IncomingRoute } from "../convex/kit/http/route";
import type { MountedWebhook } from "../convex/kit/incomingWebhook";
import type { MountedEndpoint } from "../convex/kit/mount";
import { runScript } from "./commandLine";

export const ROUTE_TABLE = fileURLToPath(new URL("../convex/kit/http/routes.ts", import.meta.url));

/** The file as it should be. */
export async function routeTable(): Promise<string> {
  const text = `import type { EndpointRoute, IncomingRoute } from "./route";

/** Made from the definitions by \`npm run routes\`; change them there. */

export const endpointRoutes: readonly EndpointRoute[] = ${listOf(endpoints.map(routeOf))};

export const incomingRoutes: readonly IncomingRoute[] = ${listOf(incomingWebhooks.map(incomingRouteOf))};
`;
  const options = await resolveConfig(ROUTE_TABLE);
  return await format(text, { ...options, filepath: ROUTE_TABLE });
}

/** The order of a module's exports is not the same under every loader. */
function listOf(routes: readonly { path: string; functionName: string }[]): string {
  const key = ({ path, functionName }: (typeof routes)[number]): string =>
    `${path} ${functionName}`;
  return JSON.stringify([...routes].sort((a, b) => (key(a) < key(b) ? -1 : 1)));
}

function routeOf(endpoint: MountedEndpoint): EndpointRoute {
  const { method, path, functionName, kind, scope, callers, isPersonal } = endpoint;
  const { tenantInPath, notesPull, triesTokens, raw, bodyLimit, literal, goesOn } = endpoint;
  const { alternatives, finishes, consults, body, files, streams } = endpoint;
  return given({
    ...{ method, path, functionName, kind, scope, callers, isPersonal },
    ...{ tenantInPath, notesPull, triesTokens, bodyLimit, literal, goesOn },
    raw: raw && Object.keys(raw),
    ...{ alternatives, finishes, consults: consults?.action },
    takesBody: body && (true as const),
    sendsFile: files && (true as const),
    streams: streams && (true as const),
  });
}

function incomingRouteOf(webhook: MountedWebhook): IncomingRoute {
  const { path, functionName, provider, secret, signature, identity } = webhook;
  const { varying, challenge, refusesUnreadable } = webhook;
  return given({
    ...{ path, functionName, provider, secret, signature, identity },
    ...{ varying, challenge, refusesUnreadable },
  });
}

type Given<Part> = { [Name in keyof Part]: Exclude<Part[Name], undefined> };

/** Without what is undefined. */
function given<Part extends object>(part: Part): Given<Part> {
  return Object.fromEntries(
    Object.entries(part).filter(([, value]) => value !== undefined),
  ) as Given<Part>;
}

if (process.argv[1] === import.meta.filename) {
  const help =
    "Usage: npm run routes\n\nWrites convex/kit/http/routes.ts, which the door is made from.";
  await runScript(help, [], async () => {
    const table = await routeTable();
    const known = existsSync(ROUTE_TABLE) ? await readFile(ROUTE_TABLE, "utf8") : null;
    // Saving it anew would have everything that watches it start over.
    if (table !== known) await writeFile(ROUTE_TABLE, table);
    console.log(`${table === known ? "Up to date" : "Written"}: ${ROUTE_TABLE}`);
  });
}
