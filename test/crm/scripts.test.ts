import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorsPage, ERRORS_PAGE } from "../../scripts/errorsDoc";
import { generateClient } from "../../scripts/client";
import { currentDocument } from "../../scripts/openapi";
import { COLLECTION, postmanCollection } from "../../scripts/postman";
import { MODULE_LIST, moduleList, ROUTE_TABLE, routeTable } from "../../scripts/routes";
import { startServer, type TestServer } from "../helpers/server";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("docs/errors.md is what the list of codes says (npm run errors writes it)", async () => {
  expect(await readFile(ERRORS_PAGE, "utf8")).toBe(await errorsPage());
});

test("the list of modules is what the folders have (npm run routes writes it)", async () => {
  expect(await readFile(MODULE_LIST, "utf8")).toBe(await moduleList());
});

test("the door's route table is what the endpoints say (npm run routes writes it)", async () => {
  expect(await readFile(ROUTE_TABLE, "utf8")).toBe(await routeTable());
});

test("the Postman collection is what the endpoints say (npm run postman writes it)", async () => {
  expect(JSON.parse(await readFile(COLLECTION, "utf8"))).toEqual(postmanCollection());
});

test("the Postman collection has a request for every operation", () => {
  type Item = { item?: Item[]; request?: { method: string; url: { raw: string } } };
  const requests = (items: Item[]): string[] =>
    items.flatMap(({ item, request }) =>
      item ? requests(item) : [`${request?.method} ${request?.url.raw.replace("{{baseUrl}}", "")}`],
    );
  const paths = currentDocument()["paths"] as Record<string, object>;
  const operations = Object.entries(paths).flatMap(([route, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} ${route.replace(/\{(\w+)\}/g, ":$1")}`,
    ),
  );
  expect(requests(postmanCollection()["item"] as Item[]).sort()).toEqual(operations.sort());
});

test("the Postman collection shows the document's examples, with variables for ids", () => {
  const raw = '{\n  "sourceId": "{{contactId}}"\n}';
  expect(JSON.stringify(postmanCollection())).toContain(`"raw":${JSON.stringify(raw)}`);
  expect(postmanCollection()["variable"]).toContainEqual({ key: "contactId", value: "" });
});

describe("the generated client", () => {
  let folder: string;
  let server: TestServer;

  beforeAll(async () => {
    // Within the project, so that its compiler options and types are found.
    folder = await mkdtemp(path.join(ROOT, "node_modules/.freehold-client-"));
    [server] = await Promise.all([startServer(), generateClient(path.join(folder, "client"))]);
  });

  afterAll(async () => {
    await server.remove();
    await rm(folder, { recursive: true });
  });

  const USE = `
import { contactsBulkContacts, contactsCreate, contactsGet, contactsList } from "./client/index";
import { client } from "./client/client.gen";

export async function use(baseUrl: string, auth: string): Promise<unknown> {
  client.setConfig({ baseUrl, auth });
  const created = await contactsCreate({ body: { firstName: "Ada", email: "ada@client.test" } });
  const id: string = created.data?.contactId ?? "";
  const got = await contactsGet({ path: { id } });
  const name: string | null | undefined = got.data?.firstName;
  const bulk = await contactsBulkContacts({ body: { items: [{ firstName: "Bo" }] }, query: { dryRun: true } });
  const listed = await contactsList({ query: { email: "ada@client.test" } });
  const refused = await contactsList({ query: { limit: 0 } });
  return {
    name,
    wouldCreate: bulk.data?.data.created,
    emails: listed.data?.contacts.map(({ email }) => email),
    refusal: refused.error?.error.code,
  };
}
`;

  test("type-checks, strictly, and so does code that uses it", async () => {
    await writeFile(path.join(folder, "use.ts"), USE);
    const wrong = USE.replace('firstName: "Ada"', "firstName: 1");
    await writeFile(path.join(folder, "wrong.ts"), wrong);
    const flags =
      "--noEmit --strict --skipLibCheck --target ES2022 --module ESNext --moduleResolution Bundler --lib ES2023,DOM,DOM.Iterable".split(
        " ",
      );
    const tsc = path.join(ROOT, "node_modules/.bin/tsc");
    const printed = await run(tsc, [...flags, "--ignoreConfig", "use.ts", "wrong.ts"], {
      cwd: folder,
    }).then(
      () => "",
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    const problems = printed.split("\n").filter((line) => /^\S/.test(line));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^wrong.ts.*Type 'number' is not assignable to type 'string'/);
  }, 120_000);

  test("works against the server, with typed answers and refusals", async () => {
    await writeFile(path.join(folder, "use.ts"), USE);
    const { apiKey } = (await server.readJson("demo.json")) as { apiKey: string };
    const module = (await import(pathToFileURL(path.join(folder, "use.ts")).href)) as {
      use(baseUrl: string, key: string): Promise<unknown>;
    };
    expect(await module.use(`${server.siteUrl}/api/v1`, apiKey)).toEqual({
      name: "Ada",
      wouldCreate: 1,
      emails: ["ada@client.test"],
      refusal: "VALIDATION_ERROR",
    });
  });
});
