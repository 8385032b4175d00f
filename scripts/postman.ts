/**
 * `npm run postman`: writes docs/freehold.postman_collection.json from the OpenAPI document. (The
 * converter that Postman publishes brings 86 packages, and fills bodies with random text, so that
 * every run gives another file.)
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runScript } from "./commandLine";
import { currentDocument, LOCAL_SERVER } from "./openapi";

export const COLLECTION = fileURLToPath(
  new URL("../docs/freehold.postman_collection.json", import.meta.url),
);
const SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

type Schema = {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  example?: unknown;
  default?: unknown;
  minimum?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
};
type Parameter = { name: string; in: string; description?: string };
type Operation = {
  tags: string[];
  summary: string;
  description: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  security?: unknown[];
};
type Components = Record<string, Schema>;
type Json = Record<string, unknown>;

/** The collection: a folder per tag, with the address and the key as variables. */
export function postmanCollection(): Json {
  const document = currentDocument() as unknown as {
    info: { title: string; description: string };
    tags: { name: string }[];
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Components };
  };
  // The order of a module's exports is not the same under every loader.
  const requests = sorted(document.paths).flatMap(([path, operations]) =>
    sorted(operations).map(([method, operation]) => ({
      tag: operation.tags[0],
      item: requestOf(method.toUpperCase(), path, operation, document.components.schemas),
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
  components: Components,
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
      ...(content ? { body: bodyOf(mediaType ?? "", content.schema, components) } : {}),
    },
    response: [],
  };
}

function bodyOf(mediaType: string, schema: Schema, components: Components): Json {
  if (mediaType !== "application/json") return { mode: "file", file: {} };
  const raw = JSON.stringify(exampleOf(schema, components), null, 2);
  return { mode: "raw", raw, options: { raw: { language: "json" } } };
}

/** The least that the schema takes; of an object without required fields, its first few. */
function exampleOf(schema: Schema, components: Components): unknown {
  const { $ref, anyOf, oneOf } = schema;
  if ($ref !== undefined)
    return exampleOf(components[$ref.split("/").at(-1) ?? ""] ?? {}, components);
  const given = schema.example ?? schema.const ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const choice = (anyOf ?? oneOf)?.find(({ type }) => type !== "null");
  if (choice) return exampleOf(choice, components);
  if (schema.type === "array") return schema.items ? [exampleOf(schema.items, components)] : [];
  if (schema.type === "object") {
    const all = Object.entries(schema.properties ?? {});
    const required = all.filter(([name]) => schema.required?.includes(name));
    const shown = required.length > 0 ? required : all.slice(0, 3);
    return Object.fromEntries(
      shown.map(([name, part]) => [
        name,
        /email$/i.test(name) ? "ada@example.com" : exampleOf(part, components),
      ]),
    );
  }
  if (schema.type === "number" || schema.type === "integer")
    return Math.max(schema.minimum ?? 1, 1);
  if (schema.type === "boolean") return false;
  return schema.type === "null" ? null : "text";
}

if (process.argv[1] === import.meta.filename) {
  const help = "Usage: npm run postman\n\nWrites docs/freehold.postman_collection.json.";
  await runScript(help, [], async () => {
    await writeFile(COLLECTION, `${JSON.stringify(postmanCollection(), null, 2)}\n`);
    console.log(`Written: ${COLLECTION}`);
  });
}
