import { beforeEach, describe, expect, test, vi } from "vitest";
import { GRANTS, type Grant } from "../../convex/kit/scopes";
import { displayPrefix, sha256Hex } from "../../convex/kit/tokens";
import type { Answer, Body, Request } from "../helpers/answer";
import {
  type Fixture,
  newBackend,
  newKey,
  newMember,
  newTenant,
  newTestTenant,
  requestsOf,
  type Tenant,
} from "../helpers/backend";
import { invoice } from "../invoicing/books";

let home: Fixture;

beforeEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  home = await newBackend();
});

async function create(body: object = {}): Promise<Body> {
  const answer = await home.request("POST", "/api-keys", {
    body: { name: "k", scopes: ["crm:read"], ...body },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.data;
}
async function works(token: string): Promise<boolean> {
  const { status } = await requestsOf(home.backend, token)("GET", "/crm/contacts");
  return status === 200;
}
async function listed(): Promise<readonly Body[]> {
  return (await home.request("GET", "/api-keys")).body.data;
}

describe("an organization with a hundred keys", () => {
  /** With the one that the fixture has. */
  beforeEach(async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "100");
    for (let i = 1; i < 100; i++) await create();
  });
  const oneMore = async (): Promise<Body> =>
    (await home.request("POST", "/api-keys", { body: { name: "k", scopes: ["crm:read"] } })).body;

  test("gets no other until one is revoked, whatever another organization has", async () => {
    expect((await oneMore()).error).toMatchObject({ code: "CONFLICT", details: { limit: 100 } });
    const other = await newTenant(home.backend);
    const body = { name: "k", scopes: ["crm:read"] };
    expect((await other.request("POST", "/api-keys", { body })).status).toBe(201);
    const [last] = await listed();
    expect((await home.request("DELETE", `/api-keys/${last?.id}`)).status).toBe(204);
    expect((await oneMore()).success).toBe(true);
    expect((await oneMore()).error.code).toBe("CONFLICT");
  });

  test("can rotate them, with an overlap and without", async () => {
    const [first, second] = await listed();
    for (const [key, body] of [
      [first, { overlapSeconds: 3600 }],
      [second, {}],
    ] as const) {
      expect((await home.request("POST", `/api-keys/${key?.id}/rotate`, { body })).status).toBe(
        201,
      );
    }
    expect((await oneMore()).error.code).toBe("CONFLICT");
  });
});

describe("creating", () => {
  test("answers the key this once", async () => {
    const made = await create({ name: "Portal", scopes: ["crm:read", "crm:write", "crm:read"] });
    expect(made).toEqual({
      id: expect.any(String) as string,
      name: "Portal",
      key: expect.stringMatching(/^fh_live_[\w-]{43}$/) as string,
      prefix: made.key.slice(0, 12),
      scopes: ["crm:read", "crm:write"],
      createdAt: expect.any(Number) as number,
      expiresAt: null,
    });
    expect(await works(made.key)).toBe(true);
    const again = await home.request("GET", "/api-keys");
    expect(again.text).not.toContain(made.key);
  });

  test("keeps a digest alone", async () => {
    const { key } = await create();
    const rows = await home.backend.run(async ({ db }) => await db.query("apiKeys").collect());
    expect(JSON.stringify(rows)).not.toContain(key.slice(12));
  });

  test("its mode is its organization's: another is CONFLICT, and none is given", async () => {
    const trial = await newTestTenant(home);
    const ask = async (at: Tenant, mode?: string): Promise<Answer> => {
      const body = { name: "k", scopes: ["crm:read"], ...(mode === undefined ? {} : { mode }) };
      return await at.request("POST", "/api-keys", { body });
    };
    for (const [at, own, other] of [
      [home, "live", "test"],
      [trial, "test", "live"],
    ] as const) {
      for (const mode of [own, undefined]) {
        const made = await ask(at, mode);
        expect([made.status, made.body.data.key.startsWith(`fh_${own}_`)]).toEqual([201, true]);
      }
      const before = (await at.request("GET", "/api-keys")).body.data.length;
      const refused = await ask(at, other);
      expect(refused).toMatchObject({ status: 409, code: "CONFLICT" });
      expect(refused.body.error.details).toMatchObject({ path: "body.mode", mode: own });
      expect((await at.request("GET", "/api-keys")).body.data).toHaveLength(before);
    }
    expect((await ask(home, "both")).paths).toEqual(["body.mode"]);
  });

  test.each<[string, object, string]>([
    ["no name", { name: undefined }, "body.name"],
    ["an empty name", { name: " " }, "body.name"],
    ["a name of 201 characters", { name: "x".repeat(201) }, "body.name"],
    ["no scopes", { scopes: [] }, "body.scopes"],
    ["an unknown scope", { scopes: ["crm:read", "crm:delete"] }, "body.scopes.1"],
    ["a scope as text", { scopes: "crm:read" }, "body.scopes"],
    ["an expiry that is no time", { expiresAt: "01.01.2030" }, "body.expiresAt"],
    ["an expiry in the past", { expiresAt: 1 }, "body.expiresAt"],
    ["an expiry of half a millisecond", { expiresAt: 1e13 + 0.5 }, "body.expiresAt"],
    ["a key of its own choice", { key: "fh_live_x" }, "body.key"],
  ])("with %s is refused", async (_name, body, path) => {
    const answer = await home.request("POST", "/api-keys", {
      body: { name: "k", scopes: ["crm:read"], ...body },
    });
    expect(answer).toMatchObject({ status: 400, paths: [path] });
    expect(await listed()).toHaveLength(1);
  });
});

describe("no key has more scopes than its maker", () => {
  test.each(GRANTS.map((grant) => [grant]))(
    "a key with admin:write alone cannot give out %s, unless it is that",
    async (grant) => {
      const maker = await newKey(home.backend, home.organizationId, ["admin:write"]);
      const answer = await maker.request("POST", "/api-keys", {
        body: { name: "k", scopes: [grant] },
      });
      if (grant === "admin:write") expect(answer.status).toBe(201);
      else {
        expect(answer).toMatchObject({ status: 403, code: "INSUFFICIENT_SCOPE" });
        expect(answer.body.error.details).toMatchObject({ required: [grant] });
      }
    },
  );

  test("nor does a rotated one", async () => {
    const { id } = await create({ scopes: ["*"] });
    const maker = await newKey(home.backend, home.organizationId, ["admin:write"]);
    expect((await maker.request("POST", `/api-keys/${id}/rotate`)).code).toBe("INSUFFICIENT_SCOPE");
  });

  test("nor one of a manager, who is not all", async () => {
    const { organizationId } = home;
    const manager = await newMember(home.backend, [{ organizationId, role: "manager" }]);
    const ask = async (scopes: Grant[]): Promise<number> =>
      (await manager.request("POST", "/api-keys", { body: { name: "k", scopes } })).status;
    expect([await ask(["crm:write", "admin:write"]), await ask(["*"])]).toEqual([201, 403]);
  });
});

describe("revoking", () => {
  test("ends the key at once, and takes it off the list", async () => {
    const { id, key } = await create();
    expect(await works(key)).toBe(true);
    expect((await home.request("DELETE", `/api-keys/${id}`)).status).toBe(204);
    expect(await works(key)).toBe(false);
    expect((await listed()).map((row) => row.id)).not.toContain(id);
    expect((await home.request("DELETE", `/api-keys/${id}`)).code).toBe("API_KEY_NOT_FOUND");
    expect((await home.request("POST", `/api-keys/${id}/rotate`)).code).toBe("API_KEY_NOT_FOUND");
  });
});

describe("rotating", () => {
  test("without an overlap the new key works and the old one does not", async () => {
    const old = await create({ name: "Portal", scopes: ["crm:read", "crm:write"] });
    const answer = await home.request("POST", `/api-keys/${old.id}/rotate`);
    expect(answer.status).toBe(201);
    const next = answer.body.data;
    expect(next).toMatchObject({
      name: "Portal",
      scopes: ["crm:read", "crm:write"],
      expiresAt: null,
    });
    expect(next.id).not.toBe(old.id);
    expect([await works(old.key), await works(next.key)]).toEqual([false, true]);
  });

  test("with an overlap both work until it ends", async () => {
    const old = await create();
    const { body } = await home.request("POST", `/api-keys/${old.id}/rotate`, {
      body: { overlapSeconds: 60 },
    });
    const next = body.data;
    expect([await works(old.key), await works(next.key)]).toEqual([true, true]);
    const end = (await listed()).find(({ id }) => id === old.id)?.expiresAt ?? 0;
    expect(Math.abs(end - Date.now() - 60_000)).toBeLessThan(5000);
    vi.useFakeTimers({ now: end + 1, toFake: ["Date"] });
    expect([await works(old.key), await works(next.key)]).toEqual([false, true]);
    vi.useRealTimers();
  });

  test("twice is INVALID_STATE, and names the key that took its place", async () => {
    const { id } = await create();
    const { body } = await home.request("POST", `/api-keys/${id}/rotate`, {
      body: { overlapSeconds: 60 },
    });
    const answer = await home.request("POST", `/api-keys/${id}/rotate`);
    expect(answer).toMatchObject({ status: 409, code: "INVALID_STATE" });
    expect(answer.body.error.details).toMatchObject({
      status: "rotated",
      allowed: [],
      rotatedTo: body.data.id,
    });
  });

  test("keeps the mode and the expiry", async () => {
    const expiresAt = Date.now() + 3_600_000;
    for (const [tenant, mode] of [
      [home, "live"],
      [await newTestTenant(home), "test"],
    ] as const) {
      const body = { name: "k", scopes: ["crm:read"], expiresAt };
      const { id } = (await tenant.request("POST", "/api-keys", { body })).body.data;
      const { data } = (await tenant.request("POST", `/api-keys/${id}/rotate`)).body;
      expect(data.expiresAt).toBe(expiresAt);
      expect(data.key.startsWith(`fh_${mode}_`)).toBe(true);
    }
  });

  test("an overlap never prolongs the old key's life", async () => {
    const expiresAt = Date.now() + 30_000;
    const { id } = await create({ expiresAt });
    await home.request("POST", `/api-keys/${id}/rotate`, { body: { overlapSeconds: 3600 } });
    expect((await listed()).find((row) => row.id === id)?.expiresAt).toBe(expiresAt);
  });

  test.each([-1, 604_801, 1.5, "60", null])(
    "an overlap of %j is refused",
    async (overlapSeconds) => {
      const { id } = await create();
      const answer = await home.request("POST", `/api-keys/${id}/rotate`, {
        body: { overlapSeconds },
      });
      expect(answer).toMatchObject({ status: 400, paths: ["body.overlapSeconds"] });
    },
  );

  test("a key can rotate itself, and its answer still arrives", async () => {
    const rows = await listed();
    const answer = await home.request("POST", `/api-keys/${rows[0]?.id ?? ""}/rotate`);
    expect(answer.status).toBe(201);
    expect([await works(home.apiKey), await works(answer.body.data.key)]).toEqual([false, true]);
  });
});

describe("a test key of before in a live organization", () => {
  /** As keys were made when any organization gave test keys. */
  async function oldTestKey(
    scopes: Grant[] = ["*"],
  ): Promise<{ id: string; token: string; request: Request }> {
    const { keyId, token } = await newKey(home.backend, home.organizationId, scopes);
    const old = token.replace("fh_live_", "fh_test_");
    const row = { tokenHash: sha256Hex(old), prefix: displayPrefix(old) };
    await home.backend.run(async ({ db }) => {
      await db.patch("apiKeys", keyId, row);
    });
    return { id: keyId, token: old, request: requestsOf(home.backend, old) };
  }
  const refusal = { status: 403, code: "FORBIDDEN" };

  test("goes on to read, and writes nothing, also as a rehearsal: the answer says what to do", async () => {
    const { id, request } = await oldTestKey();
    expect((await request("GET", "/crm/contacts")).status).toBe(200);
    for (const [method, path, body] of [
      ["POST", "/crm/contacts", { firstName: "Ada" }],
      ["POST", "/crm/contacts?dryRun=true", { firstName: "Ada" }],
      ["POST", "/invoices", invoice()],
      ["PATCH", "/organization", { name: "Other" }],
      ["POST", "/api-keys", { name: "k", scopes: ["*"] }],
      ["POST", `/api-keys/${id}/rotate`, {}],
    ] as const) {
      const answer = await request(method, path, { body });
      expect([path, answer]).toMatchObject([path, refusal]);
      expect(answer.text).toMatch(/POST \/api-keys.*POST \/tenants/);
      const details = { keyMode: "test", organizationMode: "live" };
      expect(answer.body.error.details).toEqual(details);
    }
    const csv = { raw: "firstName\nAda\n", headers: { "Content-Type": "text/csv" } };
    expect(await request("POST", "/crm/contacts/import", csv)).toMatchObject(refusal);
    const { contacts } = (await home.request("GET", "/crm/contacts")).body;
    expect(contacts).toEqual([]);
    const staged = await home.backend.run(async ({ db }) => await db.query("uploads").collect());
    expect(staged).toEqual([]);
  });

  test("vouches for no portal user who writes", async () => {
    const { request, token } = await oldTestKey();
    const signIn = { email: "user@x.test", name: "U", oauthProvider: "google", oauthId: "1" };
    expect(await request("POST", "/auth/sync-user", { body: signIn })).toMatchObject(refusal);
    const made = await home.request("POST", "/auth/sync-user", { body: signIn });
    const vouched = { token: made.body._id, headers: { "X-API-Key": token } };
    const read = await request("GET", "/auth/user", vouched);
    expect([read.status, read.body.email]).toEqual([200, signIn.email]);
    expect(await request("POST", "/auth/sign-out", vouched)).toMatchObject(refusal);
  });

  test("is rotated into a live one", async () => {
    const { id, request } = await oldTestKey(["crm:read"]);
    const { data } = (await home.request("POST", `/api-keys/${id}/rotate`)).body;
    expect(data.key).toMatch(/^fh_live_/);
    expect((await request("GET", "/crm/contacts")).status).toBe(401);
    expect(await works(data.key)).toBe(true);
  });
});

describe("expiry", () => {
  test("ends a key for reads and writes, also before the scheduled revocation has run", async () => {
    const { key } = await create({
      scopes: ["crm:read", "crm:write"],
      expiresAt: Date.now() + 60_000,
    });
    const request = requestsOf(home.backend, key);
    expect((await request("GET", "/crm/contacts")).status).toBe(200);
    vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
    expect((await request("GET", "/crm/contacts")).code).toBe("UNAUTHORIZED");
    expect((await request("POST", "/crm/contacts", { body: { lastName: "A" } })).code).toBe(
      "UNAUTHORIZED",
    );
    vi.useRealTimers();
  });

  test("revokes the key by a scheduled mutation", async () => {
    vi.useFakeTimers();
    const { id } = await create({ expiresAt: Date.now() + 60_000 });
    await home.backend.finishAllScheduledFunctions(() => {
      vi.advanceTimersByTime(60_000);
    });
    vi.useRealTimers();
    const rows = await home.backend.run(async ({ db }) => await db.query("apiKeys").collect());
    expect(rows.find(({ _id }) => _id === id)?.revokedAt).toEqual(expect.any(Number));
    expect((await listed()).map((row) => row.id)).not.toContain(id);
  });

  test("ends a session as well", async () => {
    const { organizationId } = home;
    const member = await newMember(home.backend, [{ organizationId, role: "member" }]);
    expect((await member.request("GET", "/crm/contacts")).status).toBe(200);
    vi.useFakeTimers({ now: Date.now() + 30 * 24 * 60 * 60 * 1000, toFake: ["Date"] });
    expect((await member.request("GET", "/crm/contacts")).code).toBe("UNAUTHORIZED");
    vi.useRealTimers();
  });
});

describe("listing", () => {
  test("shows the living keys, newest first, with their prefix and last use", async () => {
    const [one, two] = [await create({ name: "one" }), await create({ name: "two" })];
    await requestsOf(home.backend, two.key)("GET", "/crm/contacts");
    const rows = await listed();
    expect(rows.map(({ name }) => name)).toEqual(["two", "one", "First key"]);
    expect(rows[1]).toEqual({
      id: one.id,
      name: "one",
      prefix: one.prefix,
      scopes: ["crm:read"],
      createdAt: one.createdAt,
      expiresAt: null,
      lastUsedAt: null,
    });
    expect(rows[0]?.lastUsedAt).toBeGreaterThanOrEqual(two.createdAt);
  });

  test("pages by cursor and offset", async () => {
    for (const name of ["a", "b", "c"]) await create({ name });
    const first = (await home.request("GET", "/api-keys?limit=2")).body;
    const rest = (
      await home.request("GET", `/api-keys?limit=2&cursor=${first.meta.nextCursor ?? ""}`)
    ).body;
    expect([...first.data, ...rest.data].map(({ name }) => name)).toEqual([
      "c",
      "b",
      "a",
      "First key",
    ]);
    const second = (await home.request("GET", "/api-keys?limit=2&offset=2")).body;
    expect(second.data.map(({ id }) => id)).toEqual(rest.data.map(({ id }) => id));
  });

  test("its total is exact, or null", async () => {
    for (const name of ["a", "b", "c"]) await create({ name });
    for (const query of ["", "?limit=2", "?limit=4", "?page=2&limit=3", "?offset=100"]) {
      const { meta } = (await home.request("GET", `/api-keys${query}`)).body;
      expect([query, [4, null].includes(meta.total)]).toEqual([query, true]);
    }
  });
});
