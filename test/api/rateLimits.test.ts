import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Doc } from "../../convex/_generated/dataModel";
import type { Answer } from "../helpers/answer";
import {
  type Fixture,
  newBackend,
  newKey,
  newMember,
  newTenant,
  requestsOf,
  type Tenant,
} from "../helpers/backend";
import { importFile, rowCount } from "../crm/bodies";
import { portalToken } from "../portal/portal";

let home: Fixture;

beforeEach(async () => {
  vi.unstubAllEnvs();
  vi.useFakeTimers({ toFake: ["Date"] });
  home = await newBackend();
});
afterEach(() => {
  vi.useRealTimers();
});

async function setTier(tier: Doc<"organizations">["tier"]): Promise<void> {
  await home.backend.run(async ({ db }) => {
    await db.patch("organizations", home.organizationId, { tier });
  });
}
const read = (): Promise<Answer> => home.request("GET", "/crm/contacts?limit=1");
const write = (): Promise<Answer> =>
  home.request("POST", "/crm/organizations", { body: { name: "A" } });

/** As many answers as asked for, one after the other. */
async function repeat(times: number, ask: () => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < times; i++) answers.push(await ask());
  return answers;
}
function statuses(answers: Answer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))];
}

test.each([
  ["free", "100"],
  ["pro", "500"],
  ["premium", "2000"],
] as const)("an organization that is %s has %s requests a minute", async (tier, limit) => {
  await setTier(tier);
  const { headers } = await read();
  expect(headers.get("RateLimit-Limit")).toBe(limit);
  expect(headers.get("RateLimit-Remaining")).toBe(String(Number(limit) - 1));
  expect(Number(headers.get("RateLimit-Reset"))).toBeGreaterThan(0);
});

test("RATE_LIMIT_FACTOR multiplies the limit", async () => {
  vi.stubEnv("RATE_LIMIT_FACTOR", "3");
  await setTier("free");
  expect((await read()).headers.get("RateLimit-Limit")).toBe("300");
});

describe("the keys of an organization", () => {
  const keys = async (tenant: Tenant, count: number): Promise<(() => Promise<Answer>)[]> =>
    await Promise.all(
      Array.from({ length: count }, async () => {
        const { request } = await newKey(home.backend, tenant.organizationId, ["crm:read"]);
        return () => request("GET", "/crm/contacts?limit=1");
      }),
    );

  test("share ten times the rate of one, and another organization's are left alone", async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.1");
    await setTier("free"); // 10 requests a minute by a key, 100 by all of them
    const asking = await keys(home, 12);
    for (const ask of asking.slice(0, 10)) expect(statuses(await repeat(10, ask))).toEqual([200]);
    const refused = await asking[10]?.();
    expect(refused).toMatchObject({ status: 429, code: "RATE_LIMITED" });
    expect(refused?.body.error).toMatchObject({
      message: "At most 100 requests a minute of all keys of the organization.",
      details: { limit: 100 },
    });
    const other = await newTenant(home.backend);
    const [theirs] = await keys(other, 1);
    expect((await theirs?.())?.status).toBe(200);
    vi.setSystemTime(Date.now() + 60_000);
    expect(statuses(await repeat(10, () => asking[10]?.() as Promise<Answer>))).toEqual([200]);
  });

  test("a user of it is not counted among them", async () => {
    vi.stubEnv("RATE_LIMIT_FACTOR", "0.1");
    await setTier("free");
    for (const ask of await keys(home, 10)) await repeat(10, ask);
    const { organizationId } = home;
    const { sessionToken } = await newMember(home.backend, [{ organizationId, role: "owner" }]);
    const { status } = await requestsOf(home.backend, sessionToken)("GET", "/crm/contacts");
    expect(status).toBe(200);
  });
});

describe("a key with nothing left", () => {
  beforeEach(async () => {
    await setTier("free");
  });

  test("is refused after exactly its limit, reads and writes together", async () => {
    expect(statuses([...(await repeat(50, read)), ...(await repeat(50, write))])).toEqual([
      200, 201,
    ]);
    const refused = [await read(), await write()];
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 429, code: "RATE_LIMITED" });
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThanOrEqual(1);
      expect(answer.body.error.details).toMatchObject({ limit: 100, remaining: 0 });
    }
    expect(
      (await home.backend.run(async ({ db }) => await db.query("objects").collect())).length,
    ).toBe(50);
  });

  test("a refusal carries the limit's headers too", async () => {
    await repeat(100, read);
    for (const answer of [await read(), await write()]) {
      expect(answer.status).toBe(429);
      expect(answer.headers.get("RateLimit-Limit")).toBe("100");
      expect(answer.headers.get("RateLimit-Remaining")).toBe("0");
      expect(answer.headers.get("RateLimit-Reset")).toMatch(/^\d+$/);
    }
  });

  test("may come back after Retry-After", async () => {
    await repeat(100, read);
    const seconds = Number((await read()).headers.get("Retry-After"));
    vi.setSystemTime(Date.now() + seconds * 1000);
    expect((await read()).status).toBe(200);
  });

  test("leaves another key, and another user, alone", async () => {
    const { organizationId } = home;
    await repeat(101, read);
    const other = await newKey(home.backend, organizationId, ["crm:read"]);
    const member = await newMember(home.backend, [{ organizationId, role: "member" }]);
    expect((await other.request("GET", "/crm/contacts")).status).toBe(200);
    expect((await member.request("GET", "/crm/contacts")).status).toBe(200);
  });

  test("refused requests count as well", async () => {
    const refusals = [
      () => home.request("GET", "/crm/contacts/nonsense"),
      () => home.request("GET", "/crm/contacts?surprise=1"),
      () => home.request("POST", "/crm/contacts", { body: {} }),
      () => home.request("POST", "/crm/contacts", { raw: "{" }),
    ];
    for (const refusal of refusals) {
      const before = Number((await read()).headers.get("RateLimit-Remaining"));
      const answer = await refusal();
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(Number(answer.headers.get("RateLimit-Remaining"))).toBe(before - 1);
      expect(Number((await read()).headers.get("RateLimit-Remaining"))).toBe(before - 2);
    }
  });

  test("a request without the scope counts as well", async () => {
    const key = await newKey(home.backend, home.organizationId, ["organization:read"]);
    expect(statuses(await repeat(100, () => key.request("GET", "/crm/contacts")))).toEqual([403]);
    expect((await key.request("GET", "/organization")).status).toBe(429);
  });

  test("an idempotent replay counts as well", async () => {
    const options = { body: { name: "A" }, headers: { "Idempotency-Key": "k" } };
    const one = await home.request("POST", "/crm/organizations", options);
    const two = await home.request("POST", "/crm/organizations", options);
    const left = (answer: Answer): number => Number(answer.headers.get("RateLimit-Remaining"));
    expect(left(two)).toBe(left(one) - 1);
  });

  test("concurrent requests are not given more than the limit", async () => {
    const answers = await Promise.all(Array.from({ length: 120 }, read));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(100);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
  });
});

describe("strangers", () => {
  const from = (ip: string): (() => Promise<Answer>) => {
    const request = requestsOf(home.backend.withRequestMetadata({ ip }), null);
    return () => request("GET", "/crm/contacts");
  };

  test("are counted by address: after 100 refusals they get 429", async () => {
    expect(statuses(await repeat(100, from("203.0.113.1")))).toEqual([401]);
    expect((await from("203.0.113.1")()).status).toBe(429);
    expect((await from("203.0.113.2")()).status).toBe(401);
  });

  test("whatever token they try, on whatever route", async () => {
    const request = requestsOf(home.backend.withRequestMetadata({ ip: "203.0.113.1" }), null);
    let serial = 0;
    const guess = (): Promise<Answer> => {
      serial += 1;
      const token = `fh_live_${String(serial).padStart(43, "A")}`;
      return serial % 2 === 0
        ? request("GET", "/organization", { token })
        : request("POST", "/crm/contacts", { token, body: { lastName: "A" } });
    };
    expect(statuses(await repeat(100, guess))).toEqual([401]);
    expect((await guess()).status).toBe(429);
  });

  test("do not lock out a good key from the same address", async () => {
    await repeat(101, from("203.0.113.1"));
    const request = requestsOf(
      home.backend.withRequestMetadata({ ip: "203.0.113.1" }),
      home.apiKey,
    );
    expect((await request("GET", "/crm/contacts")).status).toBe(200);
  });
});

test.each(["/health", "/openapi.json"])("%s is not counted", async (path) => {
  await home.request("GET", path, { token: null });
  expect(await home.backend.run(async ({ db }) => await db.query("rateLimits").collect())).toEqual(
    [],
  );
});

test("a file is counted once, and nothing is stored of one that is refused", async () => {
  await setTier("free");
  const file = "firstName\r\nAda\r\n";
  const token = await portalToken(home, "ada@x.test");
  const foreign = await importFile(requestsOf(home.backend, token), file);
  expect([foreign.status, foreign.code]).toEqual([403, "FORBIDDEN"]);
  expect(await rowCount(home.backend, "uploads")).toBe(0);
  const remaining = async (query: string): Promise<number> =>
    Number((await importFile(home.request, file, { query })).headers.get("RateLimit-Remaining"));
  const left = await remaining("?dryRun=true");
  expect(await remaining("")).toBe(left - 1);
  await repeat(left - 1, read);
  const stored = await rowCount(home.backend, "uploads");
  expect((await importFile(home.request, file)).status).toBe(429);
  expect(await rowCount(home.backend, "uploads")).toBe(stored);
});
