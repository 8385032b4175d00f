import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { GRANTS, grantsOf, type Scope } from "../../convex/kit/scopes";
import { newToken } from "../../convex/kit/tokens";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newKey, newMember } from "../helpers/backend";
import { DEVICE, EXAMPLES, pathOf, type Route, routes, staffRoutes } from "../helpers/routes";

let home: Fixture;

vi.stubEnv("RATE_LIMIT_FACTOR", "1000");

/** One deployment for a describe whose requests leave things as they are, with a path for each route. */
async function newRoutes(): Promise<void> {
  home = await newBackend();
  for (const route of routes) paths.set(route, await pathOf(route, home.request));
}

async function call(route: Route, options: object = {}, request = home.request): Promise<Answer> {
  const { body } = route.example;
  const path = await pathOf(route, home.request);
  return await request(route.method, path, { ...(body ? { body } : {}), ...options });
}

/** The rows of every table that a refused request must leave alone. */
async function rows(): Promise<unknown> {
  return await home.backend.run(async ({ db }) => ({
    objects: await db.query("objects").collect(),
    links: await db.query("objectLinks").collect(),
    audit: await db.query("auditLogs").collect(),
    events: await db.query("events").collect(),
    organizations: await db.query("organizations").collect(),
    keys: await db.query("apiKeys").collect(),
    replies: await db.query("idempotencyRecords").collect(),
  }));
}

/** The path of each route for something that its refused requests leave as it is. */
const paths = new Map<Route, string>();
const pathFor = (route: Route): string => paths.get(route) ?? "";

test("every route has its entry in the matrix, and every entry its route", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual(routes.map(({ title }) => title).sort());
});

test("every route that takes a body has a good one in the matrix, and what its path names", () => {
  for (const { title, body, path, example } of routes) {
    expect(example.body !== undefined, title).toBe(body !== undefined);
    const named = [...(example.subject ? ["id"] : []), ...Object.keys(example.inner ?? {})];
    expect(named, title).toEqual([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
  }
});

const withTitle = routes.map((route): [string, Route] => [route.title, route]);
const bodied = withTitle.filter(([, route]) => route.body);
const bodiless = withTitle.filter(([, route]) => !route.body);

describe("a good request", () => {
  beforeEach(async () => {
    home = await newBackend();
  });

  test.each(withTitle)("%s answers as its definition says", async (_title, route) => {
    const answer = await call(route);
    expect(Object.keys(route.answers).map(Number)).toContain(answer.status);
    expect(answer.headers.get("X-Request-Id")).toBeTruthy();
    for (const name of ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]) {
      expect(answer.headers.get(name), name).toMatch(/^\d+$/);
    }
    if (answer.status === 204) expect(answer.text).toBe("");
    else if (!route.literal) {
      expect(answer.body).toMatchObject({
        success: true,
        error: null,
        meta: { traceId: answer.headers.get("X-Request-Id") },
      });
    }
  });

  test.each(withTitle)("%s answers a key that has its scope alone", async (_title, route) => {
    const { token } = await newKey(home.backend, home.organizationId, [route.scope]);
    // A key hands out no more than it has: its maker needs the new key's scope as well.
    const extra =
      route.title === "POST /api-keys" ? { body: { name: "k", scopes: [route.scope] } } : {};
    const answer = await call(route, { token, ...extra });
    if (route.title === "POST /api-keys/:id/rotate") expect(answer.code).toBe("INSUFFICIENT_SCOPE");
    else expect(answer.status).toBeLessThan(300);
  });

  test.each(bodied)("%s takes every spelling of JSON's media type", async (_title, route) => {
    for (const type of [
      "application/json",
      "Application/JSON; charset=utf-8",
      "application/merge-patch+json",
    ]) {
      const answer = await call(route, { headers: { "Content-Type": type } });
      expect([type, answer.status < 300]).toEqual([type, true]);
    }
  });

  test.each(bodiless)("%s needs no Content-Type, and minds none", async (_title, route) => {
    expect((await call(route)).status).toBeLessThan(300);
    const odd = await call(route, { headers: { "Content-Type": "application/json" } });
    expect(odd.status).toBeLessThan(300);
  });

  test.each(["owner", "manager", "member", "viewer"] as const)(
    "a %s may do what the role says, and no more",
    async (role) => {
      const { organizationId } = home;
      const member = await newMember(home.backend, [{ organizationId, role }]);
      // What a person pushes comes from a device of theirs.
      await member.request("POST", `/tenants/${organizationId}/activate`, { body: DEVICE });
      for (const route of routes) {
        const { status, code } = await call(route, {}, member.request);
        const may = grantsOf(role).some((grant) => grant === "*" || grant === route.scope);
        // A project's team has roles of its own beside: test/team, test/work/time.test.ts.
        const isOfRoles = /^\/(projects\/:id\/team|time-entries\/)/.test(route.path);
        if (role === "member" && isOfRoles && may) continue;
        // Who wrote a comment changes it, and who leads deletes it: test/work/comments.test.ts.
        if (/^(PATCH|DELETE) .*\/comments\//.test(route.title) && may) continue;
        expect([route.title, may ? status < 300 : code]).toEqual([
          route.title,
          may ? true : "INSUFFICIENT_SCOPE",
        ]);
      }
    },
  );
});

describe("a stranger", () => {
  beforeAll(newRoutes);
  // That all of them refuse strangers, isolation.test.ts tells.
  const oneOfEach = withTitle.filter(([title]) => /^(GET|POST) \/projects$/.test(title));

  test.each(oneOfEach)("%s answers 401 to every kind of bad credential", async (_title, route) => {
    const revoked = await newKey(home.backend, home.organizationId, ["*"]);
    const expired = await newKey(home.backend, home.organizationId, ["*"]);
    await home.backend.run(async ({ db }) => {
      await db.patch("apiKeys", revoked.keyId, { revokedAt: 1 });
      await db.patch("apiKeys", expired.keyId, { expiresAt: 1 });
    });
    const path = pathFor(route);
    const { body } = route.example;
    const credentials: Record<string, { token: string | null; headers?: Record<string, string> }> =
      {
        none: { token: null },
        malformed: { token: "fh_live_short" },
        "of no kind": { token: "eyJhbGciOiJub25lIn0.e30." },
        "of another scheme": { token: null, headers: { Authorization: `Basic ${home.apiKey}` } },
        unknown: { token: newToken("api_key_live") },
        "an unknown session": { token: newToken("session") },
        "a key's token with the prefix of a session": {
          token: home.apiKey.replace("fh_live_", "fh_session_"),
        },
        revoked: { token: revoked.token },
        expired: { token: expired.token },
      };
    for (const [kind, credential] of Object.entries(credentials)) {
      const answer = await home.request(route.method, path, {
        ...credential,
        ...(body ? { body } : {}),
      });
      expect([kind, answer.status, answer.code]).toEqual([kind, 401, "UNAUTHORIZED"]);
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
      expect(answer.body).toEqual({
        success: false,
        data: null,
        error: {
          code: "UNAUTHORIZED",
          message: expect.any(String) as string,
          details: null,
          docs: expect.stringMatching(/docs\/errors#[A-Z_]+$/) as string,
        },
        meta: { traceId: answer.headers.get("X-Request-Id") },
      });
    }
  });

  test.each(bodied)("%s does not tell a stranger what else is wrong", async (_title, route) => {
    for (const token of [null, newToken("api_key_live")]) {
      const answer = await home.request(route.method, pathFor(route), { token, raw: "{" });
      expect(answer.status).toBe(401);
    }
  });
});

describe("a caller without the scope", () => {
  const without = new Map<Scope, string>();
  let before: unknown;
  beforeAll(async () => {
    await newRoutes();
    for (const { scope } of routes) {
      if (without.has(scope)) continue;
      const others = GRANTS.filter((grant) => grant !== scope && grant !== "*");
      without.set(scope, (await newKey(home.backend, home.organizationId, others)).token);
    }
    before = await rows();
  });

  test.each(withTitle)("%s is refused to a key with every other scope", async (_title, route) => {
    const token = without.get(route.scope) ?? "";
    const path = pathFor(route);
    const { body } = route.example;
    const answer = await home.request(route.method, path, { token, ...(body ? { body } : {}) });
    expect(answer).toMatchObject({ status: 403, code: "INSUFFICIENT_SCOPE" });
    expect(answer.body.error.details).toMatchObject({ required: route.scope });
  });

  test("has changed nothing", async () => {
    expect(await rows()).toEqual(before);
  });
});

describe("a request that does not fit", () => {
  let before: unknown;
  beforeAll(async () => {
    await newRoutes();
    before = await rows();
  });

  test.each(withTitle)(
    "%s refuses a query parameter that it does not know",
    async (_title, route) => {
      const path = pathFor(route);
      const { body } = route.example;
      const surprising = `${path}${path.includes("?") ? "&" : "?"}surprise=1`;
      const answer = await home.request(route.method, surprising, body ? { body } : {});
      expect(answer).toMatchObject({
        status: 400,
        code: "VALIDATION_ERROR",
        paths: ["query.surprise"],
      });
    },
  );

  test.each(bodied)("%s names a field that it does not know", async (_title, route) => {
    const path = pathFor(route);
    const body = { ...route.example.body, surprise: 1 };
    const answer = await home.request(route.method, path, { body });
    expect(answer).toMatchObject({
      status: 400,
      code: "VALIDATION_ERROR",
      paths: ["body.surprise"],
    });
  });

  test.each(bodied)("%s refuses what is not an object", async (_title, route) => {
    const path = pathFor(route);
    for (const raw of ["[]", "null", "1", '"text"', "true", "[{}]"]) {
      const answer = await home.request(route.method, path, { raw });
      expect([raw, answer.status, answer.paths[0]]).toEqual([raw, 400, "body"]);
    }
  });

  test.each(bodied)("%s refuses malformed JSON as INVALID_JSON", async (_title, route) => {
    const path = pathFor(route);
    const notUtf8 = new Uint8Array([0x7b, 0xff, 0x7d]);
    const bodies: BodyInit[] = [
      "{",
      '{"a":1,}',
      "{'a':1}",
      "NaN",
      " ",
      "\ufeff[",
      notUtf8,
      "[".repeat(100_000),
    ];
    for (const raw of bodies) {
      const answer = await home.request(route.method, path, { raw });
      expect([raw, answer.status, answer.code]).toEqual([raw, 400, "INVALID_JSON"]);
    }
  });

  test.each(bodied)("%s refuses a body of another media type", async (_title, route) => {
    const path = pathFor(route);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "",
      "application/jsonx",
    ]) {
      const options = { headers: { "Content-Type": type }, body: route.example.body };
      const answer = await home.request(route.method, path, options);
      expect([type, answer.status, answer.code]).toEqual([type, 415, "UNSUPPORTED_MEDIA_TYPE"]);
    }
  });

  test.each(bodied)("%s refuses a body above its limit", async (_title, route) => {
    const path = pathFor(route);
    const limitBytes = route.bodyLimit ?? 1024 * 1024;
    const raw = JSON.stringify({ ...route.example.body, surprise: "x".repeat(limitBytes) });
    const answer = await home.request(route.method, path, { raw });
    expect(answer).toMatchObject({ status: 413, code: "PAYLOAD_TOO_LARGE" });
    expect(answer.body.error.details).toEqual({ limitBytes });
  });

  test("has changed nothing", async () => {
    expect(await rows()).toEqual(before);
  });
});

describe("a path", () => {
  beforeAll(async () => {
    home = await newBackend();
  });

  const templates = [...new Set(routes.map(({ path }) => path))];
  const isPathOfAnId = (path: string): boolean =>
    !/:\w+$/.test(path) &&
    templates.some((template) => template.replace(/:\w+$/, "") === path.replace(/[^/]+$/, ""));

  test.each(templates)("%s answers 405 with what it allows to every other method", async (path) => {
    const served = staffRoutes
      .filter((route) => route.path === path)
      .map(({ method }) => method as string);
    const target = path.replace(":id", "some-id");
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      if (served.includes(method)) continue;
      const answer = await home.request(method, target);
      // `/crm/contacts/from-event` is the path of a contact with that id as well.
      if (isPathOfAnId(path) && method !== "PUT") continue;
      expect([method, answer.status, answer.code]).toEqual([method, 405, "METHOD_NOT_ALLOWED"]);
      const allowed = (answer.headers.get("Allow") ?? "").split(", ");
      expect(allowed).toEqual(expect.arrayContaining(served));
      expect(allowed).not.toContain(method);
    }
  });

  test.each([
    "/nowhere",
    "/crm",
    "/crm/contacts/a/b",
    "/crm/contact",
    "/CRM/contacts",
    "//crm/contacts",
    "/api-keys/a/rotate/b",
    "/crm/organizations/a/contacts/b",
  ])("%s is no route", async (path) => {
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await home.request(method, path);
      expect([method, answer.status, answer.code]).toEqual([method, 404, "ROUTE_NOT_FOUND"]);
    }
  });

  test("a slash at its end makes no difference", async () => {
    expect((await home.request("GET", "/crm/contacts/")).status).toBe(200);
  });

  test("HEAD answers like GET, without the body", async () => {
    const answer = await home.request("HEAD", "/organization");
    expect([answer.status, answer.text]).toEqual([200, ""]);
    expect(answer.headers.get("ETag")).toBe('"1"');
  });
});
