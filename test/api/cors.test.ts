import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, newTenant, type Tenant } from "../helpers/backend";

const OURS = "https://portal.example.com";
const THEIRS = "https://other.example.com";
const CONFIGURED = "https://console.example.com";
const STRANGE = "https://evil.example";

let home: Fixture;

beforeEach(async () => {
  vi.unstubAllEnvs();
  home = await newBackend();
});

async function allow(tenant: Tenant, ...allowedOrigins: string[]): Promise<void> {
  await tenant.request("PATCH", "/organization", { body: { allowedOrigins } });
}
function preflight(origin: string): Promise<Answer> {
  const headers = {
    Origin: origin,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,if-match",
  };
  return home.request("OPTIONS", "/crm/contacts", { token: null, headers });
}
function read(origin: string, token: string | null = home.apiKey): Promise<Answer> {
  return home.request("GET", "/crm/contacts", { token, headers: { Origin: origin } });
}
function write(origin: string): Promise<Answer> {
  return home.request("POST", "/crm/contacts", {
    body: { lastName: "A" },
    headers: { Origin: origin },
  });
}
/** Which origin may read the answer, and whether with credentials. */
function allowed({ headers }: Answer): [string | null, string | null] {
  return [
    headers.get("Access-Control-Allow-Origin"),
    headers.get("Access-Control-Allow-Credentials"),
  ];
}

describe("a preflight", () => {
  test("answers 204 with the methods, headers and how long", async () => {
    const { status, headers, text } = await preflight(OURS);
    expect([status, text]).toEqual([204, ""]);
    expect(headers.get("Access-Control-Max-Age")).toBe("86400");
    expect(headers.get("Access-Control-Allow-Methods")?.split(", ").sort()).toEqual([
      "DELETE",
      "GET",
      "OPTIONS",
      "PATCH",
      "POST",
      "PUT",
    ]);
    const names = headers.get("Access-Control-Allow-Headers")?.toLowerCase().split(", ");
    expect(names).toEqual(
      expect.arrayContaining([
        "content-type",
        "authorization",
        "x-tenant-id",
        "x-api-key",
        "idempotency-key",
        "if-match",
        "x-request-id",
      ]),
    );
  });

  test("varies by origin", async () => {
    expect((await preflight(OURS)).headers.get("Vary")).toMatch(/\bOrigin\b/);
  });

  test("allows any organization's origins, and no others once there are any", async () => {
    const other = await newTenant(home.backend);
    await allow(other, THEIRS);
    expect(allowed(await preflight(THEIRS))).toEqual([THEIRS, "true"]);
    expect(allowed(await preflight(STRANGE))).toEqual([null, null]);
  });

  test("allows those of CORS_ORIGINS", async () => {
    vi.stubEnv("CORS_ORIGINS", `${CONFIGURED}, https://second.example`);
    expect(allowed(await preflight(CONFIGURED))).toEqual([CONFIGURED, "true"]);
    expect(allowed(await preflight("https://second.example"))).toEqual([
      "https://second.example",
      "true",
    ]);
    expect(allowed(await preflight(STRANGE))).toEqual([null, null]);
  });

  test("costs no request of anybody's limit", async () => {
    await preflight(OURS);
    expect(
      await home.backend.run(async ({ db }) => await db.query("rateLimits").collect()),
    ).toEqual([]);
  });
});

describe("with no list anywhere", () => {
  test("everyone may read, without credentials", async () => {
    for (const answer of [
      await preflight(STRANGE),
      await read(STRANGE),
      await write(STRANGE),
      await read(STRANGE, null),
    ]) {
      expect(allowed(answer)).toEqual(["*", null]);
    }
  });

  test("a request without an origin gets no such headers", async () => {
    const { headers } = await home.request("GET", "/crm/contacts");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("with a list of the caller's own", () => {
  beforeEach(async () => {
    await allow(home, OURS);
  });

  test("only those read and write answers", async () => {
    expect(allowed(await read(OURS))).toEqual([OURS, "true"]);
    expect(allowed(await write(OURS))).toEqual([OURS, "true"]);
    expect(allowed(await read(STRANGE))).toEqual([null, null]);
    expect(allowed(await write(STRANGE))).toEqual([null, null]);
  });

  test("another organization's list does not count for the answer", async () => {
    await allow(await newTenant(home.backend), THEIRS);
    expect(allowed(await read(THEIRS))).toEqual([null, null]);
  });

  test("those of CORS_ORIGINS count too", async () => {
    vi.stubEnv("CORS_ORIGINS", CONFIGURED);
    expect(allowed(await read(CONFIGURED))).toEqual([CONFIGURED, "true"]);
    expect(allowed(await read(OURS))).toEqual([OURS, "true"]);
  });

  test("a refusal can be read by those who may read the answer", async () => {
    const stranger = await read(OURS, null);
    expect([stranger.status, ...allowed(stranger)]).toEqual([401, OURS, "true"]);
    const missing = await home.request("GET", "/crm/contacts/nonsense", {
      headers: { Origin: OURS },
    });
    expect([missing.status, ...allowed(missing)]).toEqual([404, OURS, "true"]);
    const nowhere = await home.request("GET", "/nowhere", { headers: { Origin: OURS } });
    expect([nowhere.status, ...allowed(nowhere)]).toEqual([404, OURS, "true"]);
  });

  test("a list that is emptied again lets everyone read", async () => {
    await allow(home);
    expect(allowed(await read(STRANGE))).toEqual(["*", null]);
    expect(allowed(await preflight(STRANGE))).toEqual(["*", null]);
  });
});

test.each([
  "null",
  "https://portal.example.com.evil.example",
  "http://portal.example.com",
  "https://PORTAL.example.com",
  "https://portal.example.com:8443",
  "x",
])("the origin %s is not the listed one", async (origin) => {
  await allow(home, OURS);
  expect(allowed(await read(origin))).toEqual([null, null]);
  expect(allowed(await preflight(origin))).toEqual([null, null]);
});

test("what a client needs of an answer is exposed", async () => {
  const exposed = (await read(OURS)).headers.get("Access-Control-Expose-Headers")?.split(", ");
  expect(exposed).toEqual(
    expect.arrayContaining([
      "ETag",
      "X-Request-Id",
      "Idempotency-Replayed",
      "Retry-After",
      "RateLimit-Limit",
      "RateLimit-Remaining",
      "RateLimit-Reset",
    ]),
  );
});
