import { beforeAll, describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../convex/kit/errors";
import { endpoints, incomingWebhooks } from "../../convex/api/endpoints";
import { newBackend } from "../helpers/backend";
import { compile, type OpenApi, type Operation } from "../helpers/openapi";
import { routes } from "../helpers/routes";

let document: OpenApi;
let operations: { path: string; method: string; operation: Operation }[];

beforeAll(async () => {
  const { request } = await newBackend();
  const answer = await request("GET", "/openapi.json", { token: null });
  expect(answer.headers.get("Content-Type")).toMatch(/^application\/json/);
  document = answer.body as unknown as OpenApi;
  operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method, operation })),
  );
});

test("it is OpenAPI 3.1, of this server", () => {
  expect(document.openapi).toMatch(/^3\.1\.\d$/);
  expect(document.info).toMatchObject({
    title: "Freehold",
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
  });
  expect(document.servers.map(({ url }) => url)).toEqual([expect.stringMatching(/\/api\/v1$/)]);
});

test("it has every route, and nothing else", () => {
  const documented = operations.map(
    ({ path, method }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
  );
  const mounted = [
    ...endpoints.map(({ method, path }) => `${method} ${path}`),
    ...incomingWebhooks.map(({ path }) => `POST ${path}`),
    // They send a browser on: see test/oauth.
    ...["start", "callback"].map((end) => `GET /auth/oauth/:provider/${end}`),
  ];
  expect(documented.sort()).toEqual(mounted.sort());
});

test("every reference leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
    ([, target]) => target ?? "",
  );
  expect(references.length).toBeGreaterThan(10);
  for (const target of references) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(target)?.[1];
    expect(Object.keys(document.components.schemas), target).toContain(name);
  }
});

test("every operation has its own id, a known tag, a summary and declared path parameters", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const tags = document.tags.map(({ name }) => name);
  for (const { path, operation } of operations) {
    expect(operation.summary).not.toBe("");
    for (const tag of operation.tags) expect(tags).toContain(tag);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters.filter((parameter) => parameter.in === "path");
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    for (const parameter of declared) expect(parameter.required).toBe(true);
  }
});

test("every schema is one that a validator understands", () => {
  const schemas: object[] = Object.values(document.components.schemas);
  for (const { operation } of operations) {
    schemas.push(...operation.parameters.map(({ schema }) => schema));
    schemas.push(
      ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
    );
    for (const { description, content } of Object.values(operation.responses)) {
      expect(description).not.toBe("");
      schemas.push(...Object.values(content ?? {}).map(({ schema }) => schema));
    }
  }
  // Most are references to the same few.
  const different = new Set(schemas.map((schema) => JSON.stringify(schema)));
  for (const schema of different) compile(document, JSON.parse(schema) as Record<string, unknown>);
});

describe("the examples of the tests", () => {
  test.each(routes.filter(({ body }) => body).map((route) => [route.title, route] as const))(
    "%s: its body fits the document",
    (_title, route) => {
      const path = route.path.replace(/:(\w+)/g, "{$1}");
      const content =
        document.paths[path]?.[route.method.toLowerCase()]?.requestBody?.content ?? {};
      const schema = compile(document, content["application/json"]?.schema ?? {});
      expect(schema.safeParse(route.example.body).success).toBe(true);
      expect(schema.safeParse({ ...route.example.body, surprise: 1 }).success).toBe(false);
    },
  );
});

test("every operation tells of 400, 401, 403, 429 and 500, and of 404 where it names an object", () => {
  const signed = incomingWebhooks.map(({ path }) => path.replace(/:(\w+)/g, "{$1}"));
  for (const { path, operation } of operations.filter((each) => !signed.includes(each.path))) {
    const statuses = Object.keys(operation.responses);
    expect(statuses).toEqual(expect.arrayContaining(["400", "401", "403", "429", "500"]));
    if (path.includes("{id}")) expect(statuses).toContain("404");
  }
});

test("every error code has a status that HTTP knows", () => {
  for (const [code, [status]] of Object.entries(ERROR_CODES)) {
    expect([code, status >= 400 && status < 600]).toEqual([code, true]);
  }
});

test("it can be read without a credential, and the page beside it", async () => {
  const { backend } = await newBackend();
  const page = await backend.fetch("/api/v1/docs");
  expect(page.status).toBe(200);
  expect(page.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(page.headers.get("Content-Security-Policy")).toContain("script-src 'self'");
});
