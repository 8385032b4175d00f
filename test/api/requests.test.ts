import { beforeEach, describe, expect, test } from "vitest";
import { type Fixture, logLines, newBackend } from "../helpers/backend";

let home: Fixture;

beforeEach(async () => {
  home = await newBackend();
});

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

describe("the request id", () => {
  test("is the caller's own where that is well formed: in header, body and log", async () => {
    const answer = await home.request("GET", "/organization", {
      headers: { "X-Request-Id": "abc_DEF-123=" },
    });
    expect(answer.headers.get("X-Request-Id")).toBe("abc_DEF-123=");
    expect(answer.body.meta.traceId).toBe("abc_DEF-123=");
    expect(logLines()).toMatchObject([{ requestId: "abc_DEF-123=" }]);
  });

  test.each(["with space", "semi;colon", "<script>", "x".repeat(129), 'quote"'])(
    "is a new one instead of %j",
    async (id) => {
      const answer = await home.request("GET", "/organization", {
        headers: { "X-Request-Id": id },
      });
      expect(answer.headers.get("X-Request-Id")).toMatch(UUID);
      expect(answer.body.meta.traceId).toBe(answer.headers.get("X-Request-Id"));
    },
  );

  test("is made where there is none, another for each request", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await home.request("GET", "/organization")).body.meta.traceId),
    );
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(UUID);
  });

  test.each([
    ["GET", "/nowhere", null],
    ["PUT", "/organization", null],
    ["GET", "/organization", null],
    ["OPTIONS", "/organization", null],
    ["GET", "/health", null],
    ["GET", "/openapi.json", null],
    ["GET", "/docs", null],
  ])("is on the answer to %s %s", async (method, path, token) => {
    const { headers } = await home.request(method, path, {
      token,
      headers: { "X-Request-Id": "mine" },
    });
    expect(headers.get("X-Request-Id")).toBe("mine");
  });
});

describe("the log", () => {
  test("has one line per request, with who asked for what, and how it went", async () => {
    await home.request("POST", "/crm/contacts?x=1", { body: { email: "secret@x.test" } });
    const [line, ...more] = logLines();
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      level: "INFO",
      message: "request",
      method: "POST",
      path: "/api/v1/crm/contacts",
      status: 400,
      duration: expect.any(Number) as number,
      caller: expect.stringMatching(/^key:/) as string,
    });
  });

  test("never shows tokens, bodies or query strings", async () => {
    await home.request("POST", "/crm/contacts", {
      body: { email: "secret@x.test", notes: "private" },
    });
    await home.request("GET", "/crm/contacts?email=secret%40x.test&search=private");
    await home.request("POST", "/api-keys", { body: { name: "private", scopes: ["*"] } });
    const text = JSON.stringify(logLines());
    expect(text).not.toMatch(/secret|private|fh_live_/);
  });
});

describe("an internal error", () => {
  beforeEach(async () => {
    // A row that no code of ours leaves: the key's organization is gone.
    await home.backend.run(async ({ db }) => {
      await db.delete("organizations", home.organizationId);
    });
  });

  test.each([
    ["GET", "/organization"],
    ["GET", "/crm/contacts"],
    ["POST", "/crm/contacts"],
  ])(
    "of %s %s shows nothing of its insides, and is logged under its trace id",
    async (method, path) => {
      const body = method === "POST" ? { body: { lastName: "A" } } : {};
      const answer = await home.request(method, path, {
        ...body,
        headers: { "X-Request-Id": "find-me" },
      });
      expect(answer.status).toBe(500);
      expect(answer.body).toEqual({
        success: false,
        data: null,
        error: {
          code: "INTERNAL_ERROR",
          message: expect.any(String) as string,
          details: null,
          docs: expect.stringMatching(/docs\/errors#[A-Z_]+$/) as string,
        },
        meta: { traceId: "find-me" },
      });
      expect(answer.text).not.toMatch(/missing|organizations|\.ts|at .*\(|node_modules/);
      const line = logLines().find(({ requestId }) => requestId === "find-me");
      expect(line).toMatchObject({
        level: "ERROR",
        status: 500,
        failure: expect.stringContaining("missing") as string,
      });
      expect(JSON.stringify(line)).not.toContain(home.apiKey);
    },
  );
});

describe("every answer", () => {
  test.each(["/organization", "/nowhere", "/health", "/openapi.json", "/docs"])(
    "%s has the security headers",
    async (path) => {
      const { headers } = await home.request("GET", path);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("X-Frame-Options")).toMatch(/SAMEORIGIN|DENY/);
      expect(headers.get("Strict-Transport-Security")).toMatch(/max-age=\d{7,}/);
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(headers.get("Content-Security-Policy")).toContain("default-src 'none'");
      expect(headers.get("X-Powered-By")).toBeNull();
    },
  );

  test("with data of a tenant is not for shared caches", async () => {
    const { headers } = await home.request("GET", "/organization");
    expect(headers.get("Cache-Control")).toMatch(/private|no-store/);
    const written = await home.request("POST", "/api-keys", { body: { name: "k", scopes: ["*"] } });
    expect(written.headers.get("Cache-Control")).toBe("no-store");
  });
});

describe("health", () => {
  test.each(["/health", "/health/live", "/health/ready"])(
    "%s answers without a credential, also outside /api/v1",
    async (path) => {
      const inside = await home.request("GET", path, { token: null });
      expect(inside).toMatchObject({
        status: 200,
        body: { success: true, data: { status: "ok" } },
      });
      expect((await home.backend.fetch(path)).status).toBe(200);
    },
  );
});
