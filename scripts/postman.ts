/**
 * `npm run postman`: writes docs/freehold.postman_collection.json from the OpenAPI document. (The
 * converter that Postman publishes brings 86 packages for what these lines do.)
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { EXAMPLE_IDS } from "../convex/kit/exampleId";
import { runScript } from "./commandLine";
import { currentDocument, LOCAL_SERVER } from "./openapi";

export const COLLECTION = fileURLToPath(
  new URL("../docs/freehold.postman_collection.json", import.meta.url),
);
const SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

type Content = { example?: unknown };
type Parameter = { name: string; in: string; description?: string };
type Operation = {
  tags: string[];
  summary: string;
  description: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, Content> };
  security?: unknown[];
};
type Json = Record<string, unknown>;

/** The collection: a folder per tag, with the address and the key as variables. */
export function postmanCollection(): Json {
  const document = currentDocument() as unknown as {
    info: { title: string; description: string };
    tags: { name: string }[];
    paths: Record<string, Record<string, Operation>>;
  };
  // The order of a module's exports is not the same under every loader.
  const requests = sorted(document.paths).flatMap(([path, operations]) =>
    sorted(operations).map(([method, operation]) => ({
      tag: operation.tags[0],
      item: requestOf(method.toUpperCase(), path, operation),
    })),
  );
  return {
    info: { name: document.info.title, description: document.info.description, schema: SCHEMA },
    item: document.tags
      .map(({ name }) => name)
      .sort()
      .map((name) => ({
        name,
        item: requests.filter(({ tag }) => tag === name).map(({ item }) => item),
      })),
    auth: { type: "bearer", bearer: [{ key: "token", value: "{{apiKey}}", type: "string" }] },
    variable: [
      { key: "baseUrl", value: LOCAL_SERVER },
      { key: "apiKey", value: "" },
      ...EXAMPLE_IDS.map((key) => ({ key, value: "" })),
    ],
  };
}

function sorted<Value>(record: Record<string, Value>): [string, Value][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function requestOf(
  method: string,
  path: string,
  { summary, description, parameters, requestBody }: Operation,
): Json {
  const segments = path.slice(1).split("/");
  const named = segments.map((segment) => segment.replace(/^\{(\w+)\}$/, ":$1"));
  const part = (place: string): Json[] =>
    parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name, description: text }) => ({ key: name, value: "", description: text ?? "" }));
  const off = (entries: Json[]): Json[] => entries.map((entry) => ({ ...entry, disabled: true }));
  const [mediaType, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const type = mediaType === undefined ? [] : [{ key: "Content-Type", value: mediaType }];
  const query = off(part("query"));
  return {
    name: summary,
    request: {
      method,
      description,
      header: [...type, ...off(part("header"))],
      url: {
        raw: `{{baseUrl}}/${named.join("/")}`,
        host: ["{{baseUrl}}"],
        path: named,
        ...(query.length > 0 ? { query } : {}),
        ...(part("path").length > 0 ? { variable: part("path") } : {}),
      },
      ...(content ? { body: bodyOf(mediaType ?? "", content) } : {}),
    },
    response: [],
  };
}

/** The example; ids in it are variables of the collection. */
function bodyOf(mediaType: string, { example }: Content): Json {
  if (example === undefined) return { mode: "file", file: {} };
  const isJson = mediaType === "application/json";
  const text = typeof example === "string" ? example : JSON.stringify(example, null, 2);
  const raw = EXAMPLE_IDS.reduce((all, name) => all.replaceAll(`{${name}}`, `{{${name}}}`), text);
  return { mode: "raw", raw, options: { raw: { language: isJson ? "json" : "text" } } };
}

if (process.argv[1] === import.meta.filename) {
  const help = "Usage: npm run postman\n\nWrites docs/freehold.postman_collection.json.";
  await runScript(help, [], async () => {
    await writeFile(COLLECTION, `${JSON.stringify(postmanCollection(), null, 2)}\n`);
    console.log(`Written: ${COLLECTION}`);
  });
}
