import { beforeEach, describe, expect, test, vi } from "vitest";
import { endpoints, incomingWebhooks } from "../../convex/api/endpoints";
import { openApiDocument } from "../../convex/kit/openapi";
import { type Fixture, newBackend } from "../helpers/backend";
import type { OpenApi } from "../helpers/openapi";
import { pathOf, type Route, routes } from "../helpers/routes";

/** What forms send for a field that was left empty, for every field of every body that there is. */
type Schema = {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
};

const document = openApiDocument(endpoints, incomingWebhooks) as unknown as OpenApi;

let home: Fixture;

beforeEach(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  home = await newBackend();
});

function resolved(schema: Schema): Schema {
  const name = /^#\/components\/schemas\/(.*)$/.exec(schema.$ref ?? "")?.[1];
  return name === undefined ? schema : resolved(document.components.schemas[name] as Schema);
}

function bodyOf({ method, path }: Route): Schema {
  const at = path.replace(/:(\w+)/g, "{$1}");
  const operation = document.paths[at]?.[method.toLowerCase()];
  const schema = operation?.requestBody?.content["application/json"]?.schema;
  if (!schema) throw new Error(`${method} ${path} has no body in the document.`);
  return resolved(schema);
}

/** The value with an empty text for every optional field that it leaves out, at every depth. */
function emptied(given: unknown, schema: Schema): unknown {
  const { properties, required = [], items } = resolved(schema);
  if (Array.isArray(given)) return given.map((item) => emptied(item, items ?? {}));
  if (typeof given !== "object" || given === null) return given;
  const whole: Record<string, unknown> = { ...given };
  for (const [name, field] of Object.entries(properties ?? {})) {
    if (name in whole) whole[name] = emptied(whole[name], field);
    else if (!required.includes(name)) whole[name] = emptyFor(field);
  }
  return whole;
}

/** An object whose fields are all optional is itself sent by a form, with nothing in it. */
function emptyFor(field: Schema): unknown {
  const { properties, required = [] } = resolved(field);
  return properties && required.length === 0 ? emptied({}, field) : "";
}

describe("an empty text for every optional field is as if none had been sent", () => {
  const creating = routes.filter(({ method, body }) => method === "POST" && body !== undefined);

  test.each(creating.map((route) => [route.title, route] as const))("%s", async (_title, route) => {
    const path = await pathOf(route, home.request);
    const query = path.includes("?") ? "&dryRun=true" : "?dryRun=true";
    const plain = route.example.body ?? {};
    const body = emptied(plain, bodyOf(route)) as object;
    const expected = await home.request("POST", path + query, { body: plain });
    const answer = await home.request("POST", path + query, { body });
    expect([answer.status, answer.body.error]).toEqual([expected.status, expected.body.error]);
    expect(answer.text).not.toContain(':""');
  });
});

test("the bodies of most routes have such fields", () => {
  const told = routes
    .filter(({ method, body }) => method === "POST" && body !== undefined)
    .map((route) => JSON.stringify(emptied(route.example.body ?? {}, bodyOf(route))))
    .filter((text) => text.includes(':""'));
  expect(told.length).toBeGreaterThan(15);
});

/** The names of a body's fields that `null` clears. */
function nullable(route: Route): string[] {
  return Object.entries(bodyOf(route).properties ?? {}).flatMap(([name, field]) =>
    resolved(field).anyOf?.some(({ type }) => type === "null") ? [name] : [],
  );
}

describe("in a change, an empty text clears what null clears", () => {
  const changing = routes.filter(
    ({ method, title }) => method === "PATCH" && !/tenants/.test(title),
  );

  test.each(changing.map((route) => [route.title, route] as const))("%s", async (_title, route) => {
    // The last name that a contact has is not cleared, however it is said.
    const names = nullable(route).filter((name) => name !== "firstName");
    const filled = (value: unknown): object =>
      Object.fromEntries(names.map((name) => [name, value]));
    const [one, other] = [await pathOf(route, home.request), await pathOf(route, home.request)];
    const byNull = await home.request("PATCH", one, { body: filled(null) });
    const byText = await home.request("PATCH", other, { body: filled("") });
    expect([byText.status, byText.body.error]).toEqual([200, null]);
    expect(byNull.status).toBe(200);
    expect(byText.text).not.toContain(':""');
  });
});

test.each(["/crm/contacts", "/crm/organizations", "/projects"])(
  "an empty text for a field that is required is refused by name: %s",
  async (path) => {
    const body = {
      firstName: "",
      name: "",
      ...(path === "/projects" ? { subtype: "internal" } : {}),
    };
    const { firstName, ...named } = body;
    const sent = path === "/crm/contacts" ? { firstName } : named;
    const answer = await home.request("POST", path, { body: sent });
    expect([answer.status, answer.paths.length]).toEqual([400, 1]);
  },
);
