import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Problem } from "../helpers/answer";
import { type Fixture, newBackend } from "../helpers/backend";
import { refusalOf } from "../helpers/refusal";
import { crmOrganization } from "../helpers/routes";

let home: Fixture;

beforeAll(async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "10000");
  home = await newBackend();
});

async function problemsOf(method: string, at: string, body?: unknown): Promise<readonly Problem[]> {
  const answer = await home.request(method, at, body === undefined ? {} : { body });
  expect([answer.status, answer.code]).toEqual([400, "VALIDATION_ERROR"]);
  const [first] = answer.body.error.details;
  expect(answer.body.error.message).toContain(`${first?.path}: ${first?.message}`);
  return answer.body.error.details;
}

const sale = { type: "b2c_single", billTo: { name: "Ada" } };

describe("what is wrong with a request is said with what to do, at its path", () => {
  test.each<[string, string, string, unknown, string, string]>([
    ["a missing field", "POST", "/projects", { subtype: "internal" }, "body.name", "is required"],
    ["a missing body", "POST", "/projects", undefined, "body", "is required"],
    [
      ...(["another kind", "POST", "/crm/contacts", { firstName: 5 }] as const),
      ...(["body.firstName", "must be text, not a number"] as const),
    ],
    [
      ...(["another word", "POST", "/crm/contacts", { firstName: "A", subtype: "vip" }] as const),
      ...(["body.subtype", "must be one of lead, prospect, customer"] as const),
    ],
    [
      ...(["too long a text", "POST", "/crm/contacts", { lastName: "x".repeat(201) }] as const),
      ...(["body.lastName", "must have at most 200 characters"] as const),
    ],
    [
      ...(["a field in a list", "POST", "/invoices", { ...sale, lineItems: [{}] }] as const),
      ...(["body.lineItems.0.description", "is required"] as const),
    ],
    [
      ...(["a missing time", "POST", "/crm/contacts/from-event", {}] as const),
      ...(["body.eventDate", "is required"] as const),
    ],
    [
      ...(["a parameter", "GET", "/crm/contacts?limit=many", undefined] as const),
      ...(["query.limit", "must be a number"] as const),
    ],
    [
      ...(["a missing parameter", "GET", "/reports/revenue", undefined] as const),
      ...(["query.from", "is required"] as const),
    ],
  ])("%s", async (_name, method, at, body, place, message) => {
    const problems = await problemsOf(method, at, body);
    expect(problems).toContainEqual({ path: place, message });
  });
});

describe("what is nearly right is answered with what may have been meant", () => {
  test.each<[string, string, string, unknown, string, string]>([
    ["a field", "POST", "/crm/contacts", { fristName: "A" }, "body.fristName", "firstName"],
    [
      "a field's case",
      "POST",
      "/crm/contacts",
      { first_name: "A" },
      "body.first_name",
      "firstName",
    ],
    [
      ...(["a field within", "POST", "/crm/contacts"] as const),
      ...([{ lastName: "A", address: { stret: "x" } }, "body.address.stret", "street"] as const),
    ],
    ["a parameter", "GET", "/crm/contacts?limits=5", undefined, "query.limits", "limit"],
    ["a filter", "GET", "/crm/contacts?subtpye=lead", undefined, "query.subtpye", "subtype"],
    ["a filter's value", "GET", "/crm/contacts?subtype=leads", undefined, "query.subtype", "lead"],
    ["a sort", "GET", "/crm/contacts?sort=-created", undefined, "query.sort", "-createdAt"],
    ["dryRun", "POST", "/crm/contacts?dryrun=true", { lastName: "A" }, "query.dryrun", "dryRun"],
    [
      ...(["a scope", "POST", "/api-keys"] as const),
      ...([{ name: "k", scopes: ["invoice:read"] }, "body.scopes.0", "invoices:read"] as const),
    ],
    [
      ...(["a type of event", "POST", "/webhooks"] as const),
      { url: "https://hooks.example.com/", events: ["invoice.payed"] },
      ...(["body.events.0", "invoice.paid"] as const),
    ],
  ])("%s", async (_name, method, at, body, place, meant) => {
    const problem = (await problemsOf(method, at, body)).find((each) => each.path === place);
    expect(problem?.message).toMatch(new RegExp(`Did you mean "${meant}"\\?$`));
  });

  test.each(["surprise", "colour", "x", "customerReferenceNumber"])(
    "%s is near to nothing, and nothing is guessed",
    async (name) => {
      const problems = await problemsOf("POST", "/crm/contacts", { lastName: "A", [name]: 1 });
      expect(problems).toEqual([{ path: `body.${name}`, message: "is not a known field" }]);
    },
  );

  test("a column of a file", async () => {
    const headers = { "Content-Type": "text/csv" };
    const raw = "firstName;taxIds\nAda;1\n";
    const answer = await home.request("POST", "/crm/contacts/import", { raw, headers });
    expect(answer.body.error.details).toEqual([
      {
        path: "body.header.taxIds",
        message: 'is not a column of contacts. Did you mean "taxId"?',
      },
    ]);
  });
});

describe("the same words wherever a value is judged for itself", () => {
  test("an item of a bulk", async () => {
    const body = { items: [{ firstName: 5 }] };
    const { data } = (await home.request("POST", "/crm/contacts/bulk", { body })).body;
    const { results } = data as unknown as { results: { error: { details: unknown } }[] };
    expect(results[0]?.error.details).toEqual([
      { path: "body.items.0.firstName", message: "must be text, not a number" },
    ]);
  });

  test("a row of a file", async () => {
    const headers = { "Content-Type": "text/csv" };
    const raw = "firstName,subtype\nAda,leed\n";
    const answer = await home.request("POST", "/crm/contacts/import", { raw, headers });
    expect(answer.body.data).toMatchObject({
      errors: [
        {
          path: "subtype",
          message: 'must be one of lead, prospect, customer. Did you mean "lead"?',
        },
      ],
    });
  });

  test("a change of a push", async () => {
    const change = { changeId: "c1", op: "upsert", type: "crm_contact", clientUpdatedAt: 1 };
    const id = await crmOrganization(home.request);
    const body = { deviceId: "d1", changes: [{ ...change, id, data: { nmae: "x" } }] };
    const { data } = (await home.request("POST", "/sync/push", { body })).body;
    const { results } = data as unknown as { results: { error: { details: unknown } }[] };
    expect(results[0]?.error.details).toEqual([
      { path: "data.nmae", message: 'is not a known field. Did you mean "name"?' },
    ]);
  });

  test("the data of a live function", async () => {
    const { organizationId, sessionToken: sessionId } = home;
    const data = { subtype: "internal" as const, name: "Relaunch", progress: 101 };
    const call = home.backend.mutation(api.projectOntology.createProject, {
      ...{ sessionId, organizationId, data },
    });
    expect((await refusalOf(call)).details).toEqual([
      { path: "data.progress", message: "must be at most 100" },
    ]);
  });
});

test("zod's issues become words in one place alone", async () => {
  const root = fileURLToPath(new URL("../../convex", import.meta.url));
  const files = (await readdir(root, { recursive: true })).filter((file) => /\.tsx?$/.test(file));
  const readers: string[] = [];
  for (const file of files) {
    const text = await readFile(path.join(root, file), "utf8");
    if (/\berror\.issues\b|prettifyError|flattenError/.test(text)) readers.push(file);
  }
  // Two read an event's object within a schema, and hand on the issues in those words.
  expect(readers.sort()).toEqual([
    "api/v1/clerkEvents.ts",
    "kit/problems.ts",
    "payments/stripeEvents.ts",
  ]);
});
