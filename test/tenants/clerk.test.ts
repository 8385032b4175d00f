import { exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Doc } from "../../convex/_generated/dataModel";
import type { Answer } from "../helpers/answer";
import { type Fixture, newBackend, requestsOf } from "../helpers/backend";
import { Clerk } from "./clerk";

let clerk: Clerk;
let home: Fixture;

beforeAll(async () => {
  clerk = await Clerk.start();
});
afterAll(async () => clerk.stop());
beforeEach(async () => {
  vi.stubEnv("CLERK_ISSUER", clerk.issuer);
  vi.stubEnv("RATE_LIMIT_FACTOR", "100");
  clerk.fetches = 0;
  home = await newBackend();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  clerk.isDown = false;
});

const ask = async (token: string, path = "/tenants"): Promise<Answer> =>
  await requestsOf(home.backend, token)("GET", path);
const users = async (): Promise<Doc<"users">[]> =>
  await home.backend.run(async ({ db }) => await db.query("users").collect());

test("a first call makes the user, whose organizations are none yet; the next finds them", async () => {
  const token = await clerk.token({ name: "Ada", email: "ada@x.test", email_verified: true });
  expect(await ask(token)).toMatchObject({ status: 200, body: { data: [], meta: { total: 0 } } });
  await ask(token);
  const made = (await users()).filter(({ clerkUserId }) => clerkUserId === "user_ada");
  expect(made).toMatchObject([{ name: "Ada", email: "ada@x.test", isPlatformAdmin: false }]);
});

test("a session's own token, which has no audience, is as good as one for several", async () => {
  for (const aud of [undefined, ["billing", "convex"]]) {
    const { status } = await ask(await clerk.token({ aud, sts: "active" }));
    expect(status).toBe(200);
  }
});

test("a write too can be the first call", async () => {
  const token = await clerk.token();
  const request = requestsOf(home.backend, token);
  const founded = await request("POST", "/tenants", { body: { name: "Ada's Studio" } });
  expect(founded).toMatchObject({
    status: 201,
    body: { data: { role: "owner", status: "active" } },
  });
  const { id } = founded.body.data;
  expect((await ask(token)).body.data).toMatchObject([{ id, name: "Ada's Studio", role: "owner" }]);
  expect((await ask(token, "/organization")).body.data).toMatchObject({ id });
  expect((await request("POST", "/crm/contacts", { body: { firstName: "Bo" } })).status).toBe(201);
});

describe("accounts are joined by e-mail", () => {
  test("when Clerk says that it is verified", async () => {
    const token = await clerk.token({ email: "Owner@studio.test", email_verified: true });
    expect((await ask(token)).body.data).toMatchObject([
      { id: home.organizationId, role: "owner" },
    ]);
    expect(await users()).toHaveLength(1);
  });

  test.each([[false], [undefined], ["true"]])("and not when it says %j", async (verified) => {
    const token = await clerk.token({ email: "owner@studio.test", email_verified: verified });
    expect((await ask(token)).body.data).toEqual([]);
    const made = (await users()).find(({ clerkUserId }) => clerkUserId === "user_ada");
    expect(made?.email).toBeUndefined();
  });

  test("never with a user who has another Clerk account", async () => {
    const email = { email: "owner@studio.test", email_verified: true };
    await ask(await clerk.token(email));
    const other = await ask(await clerk.token({ ...email, sub: "user_eve" }));
    expect(other.body.data).toEqual([]);
  });
});

describe("UNAUTHORIZED is a token that", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const claims = (): object => ({
    iss: clerk.issuer,
    sub: "user_ada",
    iat: now(),
    exp: now() + 60,
  });
  const bad: Record<string, () => Promise<string>> = {
    "has expired": () => clerk.token({ exp: now() - 10, iat: now() - 70, nbf: now() - 70 }),
    "never expires": () => clerk.token({ exp: undefined }),
    "is not valid yet": () => clerk.token({ nbf: now() + 60 }),
    "another issuer gave": () => clerk.token({ iss: "https://clerk.evil.example" }),
    "names no issuer": () => clerk.token({ iss: undefined }),
    "names nobody": () => clerk.token({ sub: undefined }),
    "is not signed": async () => new UnsecuredJWT(claims() as Record<string, unknown>).encode(),
    "is signed by somebody else under a known key id": async () => {
      const { privateKey } = await generateKeyPair("RS256");
      const header = { alg: "RS256", kid: clerk.newest.kid, typ: "JWT" };
      return await new SignJWT({ ...claims() }).setProtectedHeader(header).sign(privateKey);
    },
    "is signed under a key id that Clerk does not publish": () => clerk.token({}, { kid: "other" }),
    "is signed with the public key as an HMAC secret": async () => {
      const key = await importJWK(clerk.newest.published, "RS256", { extractable: true });
      const secret = new TextEncoder().encode(await exportSPKI(key as CryptoKey));
      const header = { alg: "HS256", kid: clerk.newest.kid, typ: "JWT" };
      return await new SignJWT({ ...claims() }).setProtectedHeader(header).sign(secret);
    },
    "was altered": async () => {
      const [head = "", , signature = ""] = (await clerk.token()).split(".");
      const body = Buffer.from(JSON.stringify({ ...claims(), sub: "user_eve" })).toString(
        "base64url",
      );
      return [head, body, signature].join(".");
    },
    "says alg none and keeps its signature": async () => {
      const [, body = "", signature = ""] = (await clerk.token()).split(".");
      const head = { alg: "none", typ: "JWT", kid: clerk.newest.kid };
      return [Buffer.from(JSON.stringify(head)).toString("base64url"), body, signature].join(".");
    },
    "is meant for another audience": () => clerk.token({ aud: "billing" }),
    "is meant for several others": () => clerk.token({ aud: ["billing", "convexity"] }),
    "has an empty list of audiences": () => clerk.token({ aud: [] }),
    "is of a session that is pending": () => clerk.token({ sts: "pending" }),
    "needs an extension that nobody here knows": async () => {
      const { kid, secret } = clerk.newest;
      const header = { alg: "RS256", typ: "JWT", kid, crit: ["x-new"], "x-new": true };
      const token = new SignJWT({ ...claims() }).setProtectedHeader(header);
      return await token.sign(secret, { crit: { "x-new": true } });
    },
    "is longer than any": async () => `${await clerk.token()}${"A".repeat(20_000)}`,
  };
  test.each(Object.keys(bad))("%s", async (name) => {
    const token = await bad[name]?.();
    for (const path of ["/tenants", "/crm/contacts"]) {
      expect(await ask(token ?? "", path)).toMatchObject({ status: 401, code: "UNAUTHORIZED" });
    }
    expect(await users()).toHaveLength(1);
  });

  test("another party may use, where parties are named", async () => {
    vi.stubEnv("CLERK_AUTHORIZED_PARTIES", "https://app.example, https://admin.example");
    for (const azp of ["https://evil.example", "", undefined]) {
      expect((await ask(await clerk.token({ azp }))).code).toBe("UNAUTHORIZED");
    }
    expect((await ask(await clerk.token({ azp: "https://admin.example" }))).status).toBe(200);
  });

  test("comes where Clerk is not configured", async () => {
    vi.stubEnv("CLERK_ISSUER", "");
    expect((await ask(await clerk.token())).code).toBe("UNAUTHORIZED");
    expect(clerk.fetches).toBe(0);
  });
});

describe("Clerk's keys", () => {
  test("are fetched once for many calls, and never with a key of our own", async () => {
    for (let call = 0; call < 5; call++) await ask(await clerk.token());
    expect(clerk.fetches).toBe(1);
    vi.stubEnv(
      "CLERK_JWT_KEY",
      await exportSPKI(
        (await importJWK(clerk.newest.published, "RS256", { extractable: true })) as CryptoKey,
      ),
    );
    home = await newBackend();
    clerk.fetches = 0;
    expect((await ask(await clerk.token())).status).toBe(200);
    expect(clerk.fetches).toBe(0);
  });

  test("are fetched again for a key id that is new, but not for every made-up one", async () => {
    expect((await ask(await clerk.token())).status).toBe(200);
    const later = Date.now() + 31_000;
    for (let call = 0; call < 20; call++) {
      await ask(await clerk.token({}, { kid: `made_up_${call}` }));
    }
    expect(clerk.fetches).toBe(1);
    await clerk.rotate();
    vi.useFakeTimers({ now: later, toFake: ["Date"] });
    expect((await ask(await clerk.token())).status).toBe(200);
    expect(clerk.fetches).toBe(2);
  });

  test("that cannot be had answer 503, and the next call tries again", async () => {
    clerk.isDown = true;
    const refused = await ask(await clerk.token());
    expect(refused).toMatchObject({ status: 503, code: "SERVICE_UNAVAILABLE" });
    expect(refused.headers.get("Retry-After")).toBe("5");
    clerk.isDown = false;
    expect((await ask(await clerk.token())).status).toBe(200);
  });
});

test("no part of a token is stored", async () => {
  const token = await clerk.token({ email: "ada@x.test", email_verified: true });
  const request = requestsOf(home.backend, token);
  await request("POST", "/tenants", { body: { name: "S" }, headers: { "Idempotency-Key": "k" } });
  const stored = await home.backend.run(async ({ db }) => [
    await db.query("users").collect(),
    await db.query("auditLogs").collect(),
    await db.query("idempotencyRecords").collect(),
    await db.query("rateLimits").collect(),
  ]);
  expect(
    JSON.stringify(stored, (_, value: unknown) => (typeof value === "bigint" ? 0 : value)),
  ).not.toContain(token.split(".")[2]);
});
