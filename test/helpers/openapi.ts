import * as z from "zod";
import type { Answer } from "./answer";

type Schema = Record<string, unknown>;
export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: {
    required: boolean;
    content: Record<string, { schema: Schema; example?: unknown }>;
  };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
};
export type OpenApi = {
  openapi: string;
  info: { title: string; version: string };
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> };
};

/** Throws for an answer that is not as the document says. */
export type AnswerCheck = (method: string, path: string, answer: Answer) => void;

export function answerCheck(document: OpenApi): AnswerCheck {
  const schemas = new Map<string, z.ZodType>();
  const operationAt = operationsOf(document);
  return (method, path, answer) => {
    const operation = operationAt(method, path);
    // 304 and 405 are HTTP's own, and not said of each operation.
    if (!operation || answer.status === 304 || answer.status === 405) return;
    const where = `${method} ${path} → ${answer.status}`;
    const response = operation.responses[String(answer.status)];
    if (!response) throw new Error(`${where} is not documented: ${answer.text}`);
    const [mediaType = ""] = answer.headers.get("Content-Type")?.split(";") ?? [];
    if (response.content?.[mediaType] && mediaType !== "application/json") return;
    const schema = response.content?.["application/json"]?.schema;
    if (!schema) {
      if (answer.text !== "") throw new Error(`${where} has a body that is not documented.`);
      return;
    }
    const key = `${operation.operationId} ${answer.status}`;
    const known = schemas.get(key) ?? compile(document, schema);
    schemas.set(key, known);
    const parsed = known.safeParse(answer.body);
    if (!parsed.success) {
      throw new Error(`${where} is not as documented: ${z.prettifyError(parsed.error)}`);
    }
  };
}

/** A schema of the document as one that can check values. */
export function compile(document: OpenApi, schema: Schema): z.ZodType {
  const $defs: Record<string, Schema> = {};
  const add = (one: Schema): void => {
    for (const [, name = ""] of JSON.stringify(one).matchAll(REFERENCE)) {
      const named = document.components.schemas[name];
      if (!named || Object.hasOwn($defs, name)) continue;
      $defs[name] = named;
      add(named);
    }
  };
  add(schema);
  const local = JSON.stringify({ ...schema, $defs }).replaceAll(
    '"#/components/schemas/',
    '"#/$defs/',
  );
  return z.fromJSONSchema(JSON.parse(local) as Parameters<typeof z.fromJSONSchema>[0]);
}

/** With all that the document names, a schema takes a hundred times as long to compile. */
const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

function operationsOf(document: OpenApi): (method: string, path: string) => Operation | undefined {
  const paths = Object.entries(document.paths)
    .sort(([a], [b]) => a.split("{").length - b.split("{").length)
    .map(([template, operations]) => ({
      pattern: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}/?$`),
      operations,
    }));
  return (method, path) => {
    const [target = ""] = path.split("?", 1);
    const found = paths.find(({ pattern }) => pattern.test(target));
    return found?.operations[method.toLowerCase()];
  };
}
