/** `npm run routes`: writes the list of the endpoints' modules, and the door's route table from their definitions. */
import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { EndpointRoute, IncomingRoute } from "../convex/kit/http/route";
import type { MountedWebhook } from "../convex/kit/incomingWebhook";
import type { MountedEndpoint } from "../convex/kit/mount";
import { runScript } from "./commandLine";

const FUNCTIONS = fileURLToPath(new URL("../convex", import.meta.url));
export const MODULE_LIST = path.join(FUNCTIONS, "api/modules.ts");
export const ROUTE_TABLE = fileURLToPath(new URL("../convex/kit/http/routes.ts", import.meta.url));

/** Where endpoints are: the documented modules, and what a type's folder has. */
function endpointModules(): string[] {
  const documented = readdirSync(path.join(FUNCTIONS, "api/v1")).map((file) => `api/v1/${file}`);
  const ofTypes = readdirSync(path.join(FUNCTIONS, "types"))
    .map((type) => `types/${type}/rest.ts`)
    .filter((file) => existsSync(path.join(FUNCTIONS, file)));
  const files = [...documented, ...ofTypes].filter((file) => file.endsWith(".ts"));
  return files.map((file) => file.slice(0, -".ts".length)).sort();
}

/** The list of the endpoints' modules as it should be. */
export async function moduleList(): Promise<string> {
  const modules = endpointModules().map((module) => ({
    module,
    name: module.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()),
  }));
  const imports = modules.map(
    ({ module, name }) =>
      `import * as ${name} from "${path.posix.relative("api", module).replace(/^(?!\.)/, "./")}";`,
  );
  const text = `${imports.join("\n")}

/** Every module that may have endpoints, by its path; made by \`npm run routes\`. */
export const modules: Readonly<Record<string, Record<string, unknown>>> = {
${modules.map(({ module, name }) => `"${module}": ${name},`).join("\n")}
};
`;
  return await formatted(text, MODULE_LIST);
}

/** The route table as it should be. */
export async function routeTable(): Promise<string> {
  // By what the list of modules says now.
  const { endpoints, incomingWebhooks } = await import("../convex/api/endpoints");
  const { objectTypes } = await import("../convex/types");
  const resources = Object.values(objectTypes).map(({ resource }) => resource);
  const text = `import type { EndpointRoute, IncomingRoute } from "./route";

/** Made from the definitions by \`npm run routes\`; change them there. */

export const endpointRoutes: readonly EndpointRoute[] = ${listOf(endpoints.map(routeOf))};

export const incomingRoutes: readonly IncomingRoute[] = ${listOf(incomingWebhooks.map(incomingRouteOf))};

/** What object types are called, singular and in words. */
export const objectResources: readonly string[] = ${JSON.stringify(resources.sort())};
`;
  return await formatted(text, ROUTE_TABLE);
}

async function formatted(text: string, filepath: string): Promise<string> {
  return await format(text, { ...(await resolveConfig(filepath)), filepath });
}

/** The order of a module's exports is not the same under every loader. */
function listOf(routes: readonly { path: string; functionName: string }[]): string {
  const key = ({ path, functionName }: (typeof routes)[number]): string =>
    `${path} ${functionName}`;
  return JSON.stringify([...routes].sort((a, b) => (key(a) < key(b) ? -1 : 1)));
}

function routeOf(endpoint: MountedEndpoint): EndpointRoute {
  const { method, path, functionName, kind, scope, callers, isPersonal, isPublic } = endpoint;
  const {
    tenantInPath,
    notesPull,
    triesTokens,
    takesSecret,
    setsCookie,
    raw,
    bodyLimit,
    literal,
    goesOn,
  } = endpoint;
  const { alternatives, finishes, consults, body, files, streams } = endpoint;
  return given({
    ...{ method, path, functionName, kind, scope, callers, isPersonal, isPublic },
    ...{
      tenantInPath,
      notesPull,
      triesTokens,
      takesSecret,
      setsCookie,
      bodyLimit,
      literal,
      goesOn,
    },
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
    "Usage: npm run routes\n\nWrites convex/api/modules.ts and convex/kit/http/routes.ts, which the door is made from.";
  await runScript(help, [], async () => {
    await write(MODULE_LIST, await moduleList());
    await write(ROUTE_TABLE, await routeTable());
  });
}

async function write(file: string, text: string): Promise<void> {
  const known = existsSync(file) ? await readFile(file, "utf8") : null;
  // Saving it anew would have everything that watches it start over.
  if (text !== known) await writeFile(file, text);
  console.log(`${text === known ? "Up to date" : "Written"}: ${file}`);
}
