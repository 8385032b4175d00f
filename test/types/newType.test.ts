import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Site, startSite } from "../helpers/site";

/**
 * A new type is a folder and a line: a copy of the functions is given a toy with a filter, a relation
 * and a transition, and nothing else is written. What every type has, it has.
 */
const ROOT = path.resolve(import.meta.dirname, "../..");

const TYPE = `
import { CHANGED } from "../../ontology/definition";
import { field } from "../../ontology/fields";
import { defineMappedType } from "../../ontology/mappedType";

export const toyType = defineMappedType({
  type: "toy",
  resource: "toy",
  subtypes: ["wooden", "plush"],
  statuses: ["new", "loved", "lost"],
  verbs: [...CHANGED, "relinked"],
  transitions: { new: ["loved"], loved: ["lost"], lost: [] },
  map: {
    shape: "nested",
    begins: { status: "new" },
    fields: {
      name: field.label(100, { isSearched: true }).required,
      colour: field.oneOf(["red", "blue"], { filter: "facet" }).beginning("red"),
      ownerId: field.reference("crm_contact", { filter: "parentId", linkType: "toy_of" }).optional,
    },
  },
});
`;
const REST = `
import { endpointsOf } from "../../api/typeEndpoints";

export const { list, create, get, update, remove } = endpointsOf("toy", {
  path: "/toys",
  tag: "Toys",
  area: "crm",
  one: "a toy",
  many: "toys",
  examples: { create: { subtype: "plush", name: "Bear" }, update: { colour: "blue" } },
});
`;
const LIVE = `
import { liveReadsOf } from "../../live/reads";
import { liveWritesOf } from "../../live/writes";

const names = { area: "crm", idName: "toyId" } as const;
export const { list, listPaginated, get } = liveReadsOf("toy", names);
export const { create, update, remove } = liveWritesOf("toy", names);
`;

let folder: string;
let site: Site;
let client: ConvexHttpClient;
let live: { sessionId: string; organizationId: string };
let ownerId: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "freehold-toy-"));
  const copied = [
    "package.json",
    "convex.json",
    "convex",
    "scripts/routes.ts",
    "scripts/commandLine.ts",
  ];
  for (const name of copied) {
    await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  const types = path.join(folder, "convex/types");
  await mkdir(path.join(types, "toy"));
  for (const [name, text] of Object.entries({ type: TYPE, rest: REST, live: LIVE })) {
    await writeFile(path.join(types, "toy", `${name}.ts`), text.trimStart());
  }
  const registry = await readFile(path.join(types, "index.ts"), "utf8");
  const line = `import { toyType } from "./toy/type";\n`;
  const entry = "  payment: paymentType,\n";
  expect(registry).toContain(entry);
  const withToy = line + registry.replace(entry, `${entry}  toy: toyType,\n`);
  await writeFile(path.join(types, "index.ts"), withToy);
  const tsx = path.join(ROOT, "node_modules/.bin/tsx");
  await promisify(execFile)(tsx, ["scripts/routes.ts"], { cwd: folder });
  site = await startSite({ functions: path.join(folder, "convex") });
  client = new ConvexHttpClient(site.server.cloudUrl);
  const { organizationId, staff } = site.demo;
  live = { sessionId: staff.sessionToken, organizationId };
  const { body } = await site.request("POST", "/crm/contacts", { body: { lastName: "Kid" } });
  ownerId = body.contactId;
});

afterAll(async () => {
  await site.server.stop();
  await rm(folder, { recursive: true, force: true });
});

type Toy = {
  id: string;
  name: string;
  status: string;
  version: number;
  customProperties: { colour: string; ownerId: string | null };
};

async function made(body: object = {}): Promise<Toy> {
  const toy = { subtype: "plush", name: "Bear", ...body };
  const answer = await site.request("POST", "/toys", { body: toy });
  expect([answer.status, answer.body.error ?? null]).toEqual([201, null]);
  return answer.body.data as unknown as Toy;
}

async function listed(query: string): Promise<string[]> {
  const { body } = await site.request("GET", `/toys?${query}`);
  return (body.data as unknown as Toy[]).map(({ id }) => id);
}

test("it has routes: created, read, changed by its transitions, deleted, with versions and dry runs", async () => {
  const toy = await made({ ownerId });
  expect(toy).toMatchObject({ status: "new", customProperties: { colour: "red", ownerId } });
  const { body } = await site.request("GET", `/toys/${toy.id}`);
  expect(body.data).toEqual(toy);
  const change = async (sent: object, headers = {}): Promise<[number, unknown]> => {
    const answer = await site.request("PATCH", `/toys/${toy.id}`, { body: sent, headers });
    return [answer.status, answer.body.error?.code ?? answer.body.data];
  };
  expect(await change({ status: "lost" })).toEqual([409, "INVALID_STATE"]);
  expect(await change({ colour: "green" })).toEqual([400, "VALIDATION_ERROR"]);
  expect(await change({ ownerId: toy.id })).toEqual([404, "CONTACT_NOT_FOUND"]);
  expect(await change({ status: "loved", ownerId: null })).toEqual([
    200,
    expect.objectContaining({ status: "loved", version: 2 }),
  ]);
  expect(await change({ colour: "blue" }, { "If-Match": '"1"' })).toEqual([
    412,
    "VERSION_MISMATCH",
  ]);
  const dry = await site.request("DELETE", `/toys/${toy.id}?dryRun=true`);
  expect(dry.status).toBeLessThan(300);
  expect((await site.request("DELETE", `/toys/${toy.id}`)).status).toBe(204);
  const gone = await site.request("GET", `/toys/${toy.id}`);
  expect([gone.status, gone.body.error?.code]).toEqual([404, "TOY_NOT_FOUND"]);
});

test("its list is filtered by its field and its relation, searched, sorted and counted", async () => {
  const [red, blue] = [await made({ name: "Xylo" }), await made({ colour: "blue", ownerId })];
  expect(await listed("colour=blue&sort=createdAt")).toEqual([blue.id]);
  expect(await listed(`ownerId=${ownerId}`)).toEqual([blue.id]);
  expect(await listed("search=xyl")).toEqual([red.id]);
  expect(await listed("colour=red,blue&sort=-createdAt&limit=2")).toEqual([blue.id, red.id]);
  const { body } = await site.request("GET", "/toys?colour=blue");
  expect(body.meta?.total).toBe(1);
});

test("a replayed key returns the first answer", async () => {
  const key = { headers: { "Idempotency-Key": "toy-1" }, body: { subtype: "wooden", name: "Car" } };
  const first = await site.request("POST", "/toys", key);
  const second = await site.request("POST", "/toys", key);
  expect(second.body.data.id).toBe(first.body.data.id);
});

test("it has live functions, which show what its routes do", async () => {
  const query = (name: string, args: object): Promise<unknown> =>
    client.query(makeFunctionReference<"query">(`types/toy/live:${name}`), { ...args });
  const mutation = (name: string, args: object): Promise<unknown> =>
    client.mutation(makeFunctionReference<"mutation">(`types/toy/live:${name}`), { ...args });
  const data = { subtype: "wooden", name: "Train", ownerId };
  const created = (await mutation("create", { ...live, data })) as Toy;
  const { sessionId } = live;
  const at = { sessionId, toyId: created.id };
  const updated = await mutation("update", { ...at, updates: { status: "loved" } });
  const { body } = await site.request("GET", `/toys/${created.id}`);
  expect(await query("get", at)).toEqual(body.data);
  expect(updated).toEqual(body.data);
  const rows = (await query("list", { ...live, colour: "red" })) as Toy[];
  expect(rows).toContainEqual(body.data);
  await mutation("remove", at);
  expect((await site.request("GET", `/toys/${created.id}`)).status).toBe(404);
});

test("devices push and pull it, and its references", async () => {
  const changes = [
    {
      ...{ changeId: "c1", op: "upsert", type: "toy", clientId: crypto.randomUUID() },
      clientUpdatedAt: Date.now(),
      data: { subtype: "plush", name: "Owl", customProperties: { colour: "blue", ownerId } },
    },
  ];
  const push = await site.request("POST", "/sync/push", { body: { deviceId: "d1", changes } });
  const { results } = push.body.data as unknown as { results: { status: string; id: string }[] };
  expect(results[0]).not.toHaveProperty("error");
  const pull = await site.request("GET", "/sync/pull?limit=200");
  const pulled = pull.body.data as unknown as { changes: { id: string; data: unknown }[] };
  expect(pulled.changes.find(({ id }) => id === results[0]?.id)?.data).toMatchObject({
    ...{ name: "Owl", status: "new", customProperties: { colour: "blue", ownerId } },
  });
});

test("its writes are audited, told to webhooks, and hold what they refer to", async () => {
  const toy = await made({ ownerId });
  const trail = await site.request("GET", `/audit?objectId=${toy.id}`);
  expect(trail.body.data).toMatchObject([{ action: "toy.created" }]);
  const types = await site.request("GET", "/webhooks/event-types");
  expect(JSON.stringify(types.body.data)).toContain("toy.updated");
  const refused = await site.request("DELETE", `/crm/contacts/${ownerId}`);
  expect([refused.status, refused.body.error?.code]).toEqual([409, "CONFLICT"]);
});

test("it stands in the description of the API and in the list of errors", async () => {
  expect(Object.keys(site.document.paths)).toEqual(expect.arrayContaining(["/toys", "/toys/{id}"]));
  const page = await fetch(`${site.server.siteUrl}/api/v1/docs/errors`);
  expect(await page.text()).toContain("TOY_NOT_FOUND");
});
