import { beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newKey, newMember, newTenant } from "../helpers/backend";
import { pathOf, routes } from "../helpers/routes";

let home: Fixture;

beforeEach(async () => {
  vi.useRealTimers();
  home = await newBackend();
});

async function post(
  key: string,
  options: { body?: unknown; token?: string; path?: string } = {},
): Promise<Answer> {
  const { body = { lastName: "Doe" }, path = "/crm/contacts", token = home.apiKey } = options;
  return await home.request("POST", path, { body, token, headers: { "Idempotency-Key": key } });
}
async function total(): Promise<number | null> {
  return (await home.request("GET", "/crm/contacts")).body.total;
}

const keyed = routes.filter(({ method }) => method === "POST" || method === "PATCH");

test.each(keyed.map((route) => [route.title, route] as const))(
  "%s: a replayed key returns the first answer",
  async (_title, route) => {
    const path = await pathOf(route, home.request);
    const options = {
      headers: { "Idempotency-Key": "k" },
      ...(route.example.body ? { body: route.example.body } : {}),
    };
    const first = await home.request(route.method, path, options);
    const again = await home.request(route.method, path, options);
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect([again.status, again.headers.get("ETag")]).toEqual([
      first.status,
      first.headers.get("ETag"),
    ]);
    expect(again.headers.get("RateLimit-Remaining")).toBeTruthy();
    const hidden = Object.fromEntries((route.secrets ?? []).map((field) => [field, null]));
    const data: unknown = Object.assign({}, first.body.data, hidden);
    const notice = "A secret is shown once. Rotate it if you have not kept it.";
    const meta: unknown = Object.assign({}, first.body.meta, { notice });
    const expected = route.secrets ? { ...first.body, data, meta } : first.body;
    expect(again.body).toEqual(expected);
  },
);

test("a secret is never kept: not in the replay, not in the record", async () => {
  const path = "/api-keys";
  const { body } = await post("k", { path, body: { name: "k", scopes: ["crm:read"] } });
  const stored = await home.backend.run(
    async ({ db }) => await db.query("idempotencyRecords").collect(),
  );
  expect(JSON.stringify(stored)).not.toContain(body.data.key);
});

test("the first answer is kept also when the object has changed or gone since", async () => {
  const first = await post("k");
  await home.request("DELETE", `/crm/contacts/${first.body.contactId}`);
  expect((await post("k")).body).toEqual(first.body);
  expect(await total()).toBe(0);
});

describe("the same key with another request is 422", () => {
  test.each([
    ["body", { body: { lastName: "Other" } }],
    ["path", { path: "/crm/organizations", body: { lastName: "Doe" } }],
    ["spelling of the body", { body: { lastName: "Doe", firstName: undefined, notes: "" } }],
  ])("another %s", async (_name, other) => {
    await post("k");
    const answer = await post("k", other);
    expect(answer).toMatchObject({ status: 422, code: "IDEMPOTENCY_KEY_REUSED" });
    expect(await total()).toBe(1);
  });

  test("another method", async () => {
    const { contactId } = (await post("k")).body;
    const answer = await home.request("PATCH", `/crm/contacts/${contactId}`, {
      body: { lastName: "Doe" },
      headers: { "Idempotency-Key": "k" },
    });
    expect(answer.status).toBe(422);
  });
});

test("of concurrent requests with one key, exactly one creates", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => post("k")));
  expect(new Set(answers.map(({ body }) => body.contactId)).size).toBe(1);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(
    answers.filter(({ headers }) => headers.get("Idempotency-Replayed") === null),
  ).toHaveLength(1);
  expect(await total()).toBe(1);
});

describe("a key belongs to its caller", () => {
  test("another key of the organization has its own", async () => {
    const other = await newKey(home.backend, home.organizationId, ["crm:write"]);
    await post("k");
    const answer = await post("k", { token: other.token });
    expect([answer.status, answer.headers.get("Idempotency-Replayed")]).toEqual([201, null]);
    expect(await total()).toBe(2);
  });

  test("another tenant has its own", async () => {
    const other = await newTenant(home.backend);
    const first = await post("k");
    const answer = await post("k", { token: other.apiKey });
    expect(answer.body.contactId).not.toBe(first.body.contactId);
  });

  test("a user of two organizations has one in each", async () => {
    const other = await newTenant(home.backend);
    const user = await newMember(home.backend, [
      { organizationId: home.organizationId, role: "member" },
      { organizationId: other.organizationId, role: "member" },
    ]);
    const create = (tenantId: string): Promise<Answer> =>
      user.request("POST", "/crm/contacts", {
        body: { lastName: "Doe" },
        headers: { "Idempotency-Key": "k", "X-Tenant-Id": tenantId },
      });
    const first = await create(home.organizationId);
    const second = await create(other.organizationId);
    expect(second.headers.get("Idempotency-Replayed")).toBeNull();
    expect(second.body.contactId).not.toBe(first.body.contactId);
  });

  test("a caller that has lost its scope gets no replay", async () => {
    const other = await newKey(home.backend, home.organizationId, ["crm:write"]);
    await post("k", { token: other.token });
    await home.backend.run(async ({ db }) => {
      await db.patch("apiKeys", other.keyId, { scopes: ["crm:read"] });
    });
    expect((await post("k", { token: other.token })).code).toBe("INSUFFICIENT_SCOPE");
  });
});

test("a failed request is not kept: its key is free for the corrected one", async () => {
  expect((await post("k", { body: { email: "no" } })).status).toBe(400);
  expect((await post("k", { body: { email: "a@x.test" } })).status).toBe(201);
});

test.each(["", "x".repeat(256), "schlüssel"])("the key %j is refused", async (key) => {
  expect(await post(key)).toMatchObject({ status: 400, paths: ["headers.Idempotency-Key"] });
  expect(await total()).toBe(0);
});

test("the longest key is taken", async () => {
  expect((await post("x".repeat(255))).status).toBe(201);
});

test("after 24 hours the key is free, and cleaning up removes what it kept", async () => {
  await post("k");
  vi.useFakeTimers({ now: Date.now() + 24 * 60 * 60 * 1000 - 1000, toFake: ["Date"] });
  expect((await post("k")).headers.get("Idempotency-Replayed")).toBe("true");
  vi.setSystemTime(Date.now() + 2000);
  expect((await post("k")).headers.get("Idempotency-Replayed")).toBeNull();
  expect(await total()).toBe(2);
  vi.setSystemTime(Date.now() + 25 * 60 * 60 * 1000);
  await home.backend.mutation(internal.maintenance.cleanUp, {});
  expect(
    await home.backend.run(async ({ db }) => await db.query("idempotencyRecords").collect()),
  ).toEqual([]);
  vi.useRealTimers();
});
